//! What commands tell the person who called them: results on standard output, the rest on standard
//! error, so that results can be piped on.

use std::io::Write as _;

use crate::failure::Failure;

/// A result.
///
/// # Errors
/// Standard output cannot be written: whoever asked does not get it.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|source| Failure::System {
            doing: "writing to standard output",
            source,
        })
}

/// A remark.
pub(crate) fn note(text: &str) {
    // If nobody reads standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
