//! Who may come in: pure functions over values. The middleware in `gate` looks keys and sessions up,
//! then asks [`decide`]; nothing here does I/O.

mod cidr;
mod cookies;
mod decide;
mod local;
mod throttle;
mod visit;

pub use cidr::Cidr;
pub(crate) use cookies::Cookies;
pub(crate) use decide::{Access, Credentials, Decision, Rules, Session, decide};
pub(crate) use throttle::Throttle;
pub(crate) use visit::{Area, Visit};
