//! `backup`: a checked copy of the database, made while a server runs or while none does.
//!
//! The key is not in it: a backup without the key tells nobody a password. `--with-key` puts it
//! beside the copy, as FILE.key, where `restore` looks for it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use store::{Existing, Keys};

use crate::config::Config;
use crate::config::data_dir::{DataDir, write_private};
use crate::config::environment::Environment;
use crate::failure::Failure;
use crate::terminal;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Where to; `-` is standard output.
    pub(crate) file: PathBuf,
    /// Whether a file that is there is replaced.
    pub(crate) force: bool,
    /// Whether the key goes beside it.
    pub(crate) with_key: bool,
}

/// Makes the copy.
///
/// # Errors
/// No database, a file that is in the way, a copy that is not sound.
pub(crate) fn run(environment: &Environment, request: &Request) -> Result<(), Failure> {
    let config = Config::read(environment)?;
    let data = DataDir::there(&config.data_dir)?;
    let database = data.existing_database()?;
    if request.file == Path::new("-") {
        if request.with_key {
            return Err(Failure::Usage {
                reason: "--with-key writes a second file, and standard output is one.",
                action: "Name a file, or keep a copy of the key by yourself.",
            });
        }
        return to_stdout(&data, &database);
    }
    if data.holds(&request.file) {
        return Err(Failure::refused(
            format!("{} is what is to be backed up", request.file.display()),
            "Name another file, best on another disk.",
        ));
    }
    let key_file = key_beside(&request.file);
    let key = if request.with_key {
        let key = data.key(config.secret_key.as_ref())?;
        let keys = Keys::from_base64(&key)?;
        if let Some(Err(wrong)) = store::inspect(&database, Some(&keys), false)?.key {
            return Err(wrong.into());
        }
        if key_file.exists() && !request.force {
            return Err(in_the_way(&key_file));
        }
        Some(key)
    } else {
        None
    };
    if request.file.exists() && !request.force {
        return Err(in_the_way(&request.file));
    }
    let existing = if request.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    store::back_up(&database, &request.file, existing)?;
    if let Some(key) = key {
        write_private(&key_file, &key).map_err(|source| Failure::System {
            doing: "writing the key beside the backup",
            source,
        })?;
        terminal::note(&format!(
            "Wrote {} and {}, and checked the copy. Whoever has both has the passwords in it.",
            request.file.display(),
            key_file.display()
        ));
    } else {
        terminal::note(&format!(
            "Wrote {}, and checked it. {WITHOUT_KEY}",
            request.file.display()
        ));
    }
    Ok(())
}

const WITHOUT_KEY: &str = "The key is not in it: keep a copy of DATA_DIR/secret.key (or of SECRET_KEY) \
                           in another place, for without it the passwords in the backup cannot be read.";

/// Where the key of a backup is, if it is beside it.
pub(crate) fn key_beside(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

fn in_the_way(file: &Path) -> Failure {
    Failure::refused(
        format!("{} is there already", file.display()),
        "Name another file, or say --force to replace it.",
    )
}

/// The copy is made in the data folder, which has the room, and goes when it was told.
fn to_stdout(data: &DataDir, database: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::System {
        doing: "writing the backup to standard output",
        source,
    };
    let folder = tempfile::Builder::new()
        .prefix(".backup-")
        .tempdir_in(data.path())
        .map_err(failed)?;
    let copy = folder.path().join("caldav_sync.db");
    store::back_up(database, &copy, Existing::Refuse)?;
    let mut out = io::stdout().lock();
    File::open(&copy)
        .and_then(|mut file| io::copy(&mut file, &mut out))
        .and_then(|_| out.flush())
        .map_err(failed)?;
    terminal::note(&format!("Wrote a checked backup. {WITHOUT_KEY}"));
    Ok(())
}
