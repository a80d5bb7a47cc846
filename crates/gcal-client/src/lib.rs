//! Google Calendar and its OAuth, for a two-way sync.
//!
//! Data flows one way: bytes → [`requests`] → [`event`] → the engine's model, and back. Requests are
//! values that prepare a request and parse its answer without I/O; [`Account`] sends them with its
//! token, paced and repeated as far as that is safe; [`GoogleCalendar`] is the engine's side port.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use gcal_client::{Google, GoogleConfig, Connection, Usage, WallClock};
//! # async fn example(config: GoogleConfig, store: Arc<dyn gcal_client::TokenStore>) -> Result<(), gcal_client::Error> {
//! let client = outbound::Client::new(gcal_client::transport::policy())
//!     .map_err(|error| gcal_client::Error::setup(error.to_string()))?;
//! let google = Google::new(config, Arc::new(client), Arc::new(WallClock))?;
//!
//! // Sign-in: send the browser to `start.url`, keep `start.state` and `start.verifier` for it.
//! let redirect = "http://localhost:8080/oauth/callback".parse().map_err(|_| gcal_client::Error::setup("no URL"))?;
//! let start = google.begin_sign_in(&redirect, None)?;
//! // … later, with the query Google sent the browser back with:
//! let code = gcal_client::oauth::read_callback("state=…&code=…", &start.state)?;
//! let signed_in = google.finish_sign_in(&redirect, &code, &start.verifier).await?;
//!
//! // From then on: one `Account` per Google account, shared by all its mappings.
//! let account = google.account(Connection {
//!     email: signed_in.email,
//!     tokens: signed_in.tokens,
//!     store,
//!     usage: Usage::default(),
//! });
//! let calendars = account.calendars().await?;
//! let calendar = account.open_calendar(&calendars[0].opening()); // impl SidePort<Tag = Google>
//! # Ok(()) }
//! ```
//!
//! **Architecture invariants:** no decision about which version wins is made here; attendees are in
//! no write, and every write says `sendUpdates=none`; ids that Google gave are never judged; no
//! refusal is understood by its status alone; a token is in no `Debug`, error or log.

pub mod account;
pub mod calendar;
pub mod error;
pub mod event;
pub mod oauth;
pub mod pace;
pub mod refusal;
pub mod requests;
mod session;
pub mod time;
pub mod transport;

pub use account::{Account, CalendarInfo, Connection, Google, GoogleConfig, Opening, SignedIn};
pub use calendar::GoogleCalendar;
pub use error::{Error, Operation};
pub use oauth::{Endpoints, SignInStart, TokenStore, Tokens};
pub use pace::{Pace, Usage};
pub use refusal::{Reaction, Reason, Refusal};
pub use requests::AccessRole;
pub use time::{Time, WallClock};
pub use transport::Transport;
