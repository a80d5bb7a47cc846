//! Real CalDAV servers: Radicale, Xandikos and, where it is installed, sabre/dav, each in its own
//! folder on its own port.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;
use crate::python::{python, script};
use crate::raw_dav::RawDav;

/// The users of both servers with their passwords.
const USERS: [(&str, &str); 2] = [("alice", "alicepw"), ("bob", "bobpw")];
/// The same for Xandikos, which takes no plain passwords.
const HASHED: &str =
    "alice:{SHA}pXcenXUnxGz6jD4dFmSXV63E49g=\nbob:{SHA}KXV5lfOmXj1HOy0eE1tRGdIyUHw=\n";

/// A Python server that was started for a test.
#[derive(Debug)]
struct Server {
    name: &'static str,
    launcher: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl Server {
    fn start(name: &'static str, launcher: &str, users: &str) -> Self {
        let folder = TempDir::with_prefix("caldav-sync-test-").expect("a temporary folder");
        std::fs::write(folder.path().join("users"), users).expect("the folder is writable");
        let mut server = Self {
            name,
            launcher: script(launcher),
            folder,
            port: 0,
            process: None,
        };
        server.run();
        server
    }

    fn run(&mut self) {
        let folder = self.folder.path();
        let mut command = Command::new(python());
        command
            .arg(&self.launcher)
            .arg(folder)
            .arg(self.port.to_string())
            // No configuration of this machine's user may leak in.
            .env("HOME", folder)
            .env_remove("RADICALE_CONFIG")
            .current_dir(folder);
        let process = Process::start(&mut command, self.name, &folder.join("log"));
        self.port = process.port;
        self.process = Some(process);
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn dav(&self, user: &str) -> RawDav {
        let Some((_, password)) = USERS.iter().find(|(name, _)| *name == user) else {
            panic!("no user {user}: there are alice and bob");
        };
        RawDav::new(&self.url(), user, password)
    }
}

macro_rules! real_server {
    ($(#[$doc:meta])* $name:ident, $launcher:literal, $users:expr, $home:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Server);

        impl $name {
            /// Starts it on a free port of 127.0.0.1 with an empty folder and users alice
            /// (alicepw) and bob (bobpw). Returns when it answers; blocks until then, half a
            /// second or so.
            #[must_use]
            pub fn start() -> Self {
                Self(Server::start(stringify!($name), $launcher, $users))
            }

            /// `http://127.0.0.1:PORT`, without a last slash.
            #[must_use]
            pub fn url(&self) -> String {
                self.0.url()
            }

            /// The port.
            #[must_use]
            pub fn port(&self) -> u16 {
                self.0.port
            }

            /// The folder that holds its data and its `log`.
            #[must_use]
            pub fn folder(&self) -> &Path {
                self.0.folder.path()
            }

            /// Plain requests as one of the users.
            #[must_use]
            pub fn dav(&self, user: &str) -> RawDav {
                self.0.dav(user)
            }

            /// The path of a user's calendar, with its last slash. It need not exist.
            #[must_use]
            pub fn calendar_path(&self, user: &str, slug: &str) -> String {
                format!("{}{slug}/", $home.replace("{user}", user))
            }

            /// Stops it; its port refuses connections from now on.
            pub fn stop(&mut self) {
                self.0.process = None;
            }

            /// Starts it again with the same port and data, after [`Self::stop`] or a kill.
            pub fn restart(&mut self) {
                self.0.process = None;
                self.0.run();
            }
        }
    };
}

real_server!(
    /// Radicale 3.9.0. A user's home is `/USER/`; there is no default calendar.
    Radicale,
    "radicale_launcher.py",
    "alice:alicepw\nbob:bobpw\n",
    "/{user}/"
);

real_server!(
    /// Xandikos 0.4.10, for several users, with Basic over plain HTTP. A user's home is
    /// `/USER/calendars/`, with a default calendar `calendar`, made when the user first logs in.
    Xandikos,
    "xandikos_launcher.py",
    HASHED,
    "/{user}/calendars/"
);

real_server!(
    /// sabre/dav 1.8 with SQLite, under PHP's own web server: no `sync-collection`, no sync token,
    /// a multiget that fails whole. A user's home is `/calendars/USER/`. Start it with
    /// [`Sabre::if_installed`].
    Sabre,
    "sabre_launcher.py",
    "alice:alicepw\nbob:bobpw\n",
    "/calendars/{user}/"
);

impl Sabre {
    /// Starts it if PHP, its SQLite driver and sabre/dav are there (on Debian: `apt-get install
    /// php-sabre-dav php-cli php-sqlite3`); else says so and gives nothing.
    #[must_use]
    pub fn if_installed() -> Option<Self> {
        let probe =
            "exit((include 'Sabre/autoload.php') && extension_loaded('pdo_sqlite') ? 0 : 1);";
        let there = Command::new("php").args(["-r", probe]).output();
        if there.is_ok_and(|output| output.status.success()) {
            return Some(Self::start());
        }
        // Past the capture of passing tests.
        let _shown = writeln!(
            std::io::stderr(),
            "SKIPPED: sabre/dav is not installed (php-sabre-dav, php-cli and php-sqlite3 on Debian)."
        );
        None
    }
}
