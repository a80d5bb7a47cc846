//! Who may come in: pure functions over values. The middleware in `gate` looks keys and sessions up,
//! then asks [`decide`]; nothing here does I/O.

mod cidr;
mod cookies;
mod decide;
mod local;
mod place;
mod throttle;
mod visit;

pub use cidr::Cidr;
pub(crate) use cookies::Cookies;
pub(crate) use decide::{Access, Credentials, Decision, Key, Rules, decide};
pub(crate) use place::Area;
pub(crate) use throttle::Throttle;
pub(crate) use visit::Visit;
