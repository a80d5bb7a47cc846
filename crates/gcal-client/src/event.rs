//! One event between Google's JSON and the engine's model. Pure: no I/O, no clock.
//!
//! [`read`](read::read) makes an observation of what Google shows, [`body`] what is written of a
//! projected series. What Google rewrites on its own (HTML in descriptions, rules in its own words,
//! offsets) is brought into the engine's normal form here.

pub mod access;
pub mod body;
pub mod ids;
pub mod lines;
pub mod note;
pub mod read;
pub mod text;
pub mod times;

pub use read::{Setting, read};

/// The private extended property that holds the origin tag.
pub const TAG_PROPERTY: &str = "caldav-sync";
