//! Log lines: to standard output, times in UTC (RFC 3339), text for people or one JSON object a line.
//!
//! Whatever a value holds, an event is one line: line breaks inside it are written as `\n` and `\r`.
//! `announce` is the target of what must be seen at any level: the address, and the key that is
//! shown once.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::{LogFormat, read_log_format};

/// The target of what is logged whatever `RUST_LOG` says (but for `off`).
pub(crate) const ANNOUNCE: &str = "announce";

/// For whom the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An operator, or the machine that collects his logs.
    Serve,
    /// Somebody who watches the demo: warnings only, beside what it tells by itself.
    Demo,
}

/// Starts logging.
///
/// # Errors
/// `LOG_FORMAT` or `RUST_LOG` is wrong, or logging was started before.
pub(crate) fn start(environment: &Environment, purpose: Purpose) -> Result<(), ConfigError> {
    let format = match read_log_format(environment)? {
        Some(format) => format,
        None if purpose == Purpose::Demo || io::stdout().is_terminal() => LogFormat::Text,
        None => LogFormat::Json,
    };
    let filter = filter(environment.log_levels(), purpose)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(OneLine);
    match format {
        LogFormat::Text => builder.with_ansi(io::stdout().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| {
        ConfigError::one("logging", "this program", error.to_string(), "Restart it.")
    })?;
    log_panics();
    Ok(())
}

fn filter(asked: Option<(&str, String)>, purpose: Purpose) -> Result<EnvFilter, ConfigError> {
    let (asked, place) = match asked {
        Some((levels, place)) => (Some(levels.trim()), place),
        None => (None, String::new()),
    };
    let usual = match purpose {
        // What libraries say at every start tells nobody anything.
        Purpose::Serve => "info,refinery_core=warn,actix_server=warn",
        // That this computer needs no key goes without saying there.
        Purpose::Demo => "warn,web::server=error",
    };
    let filter = EnvFilter::try_new(asked.unwrap_or(usual)).map_err(|error| {
        ConfigError::one(
            "RUST_LOG",
            place,
            format!("it cannot be read: {error}."),
            "Set it to a level (error, warn, info, debug, trace), or to levels by module, such as \
             info,caldav_client=debug.",
        )
    })?;
    if asked == Some("off") || purpose == Purpose::Demo {
        return Ok(filter);
    }
    Ok(match format!("{ANNOUNCE}=info").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    })
}

/// A panic is an error in the log like any other, on one line.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let words = panic.payload_as_str().unwrap_or("without words");
        tracing::error!(place, words, "a part of the program panicked");
    }));
}

/// Standard output, one line an event.
struct OneLine;

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = Lines<io::Stdout>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines(io::stdout())
    }
}

/// Gets each event in one piece, with its line break at the end.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (line, end) = match event.strip_suffix(b"\n") {
            Some(line) => (line, &b"\n"[..]),
            None => (event, &b""[..]),
        };
        if line.contains(&b'\n') || line.contains(&b'\r') {
            let mut safe = Vec::with_capacity(event.len() + 8);
            for byte in line {
                match byte {
                    b'\n' => safe.extend_from_slice(b"\\n"),
                    b'\r' => safe.extend_from_slice(b"\\r"),
                    other => safe.push(*other),
                }
            }
            safe.extend_from_slice(end);
            self.0.write_all(&safe)?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_starts_a_line() {
        let mut lines = Lines(Vec::new());
        lines.write_all(b"a\nb\r\nc\n").unwrap();
        lines.write_all(b"whole\n").unwrap();
        assert_eq!(lines.0, b"a\\nb\\r\\nc\nwhole\n");
    }

    #[test]
    fn a_wrong_level_is_refused_and_announcements_pass_any() {
        assert!(filter(Some(("caldav_client=loud", String::new())), Purpose::Serve).is_err());
        let filter = filter(Some(("error", String::new())), Purpose::Serve).unwrap();
        assert!(filter.to_string().contains("announce=info"), "{filter}");
    }
}
