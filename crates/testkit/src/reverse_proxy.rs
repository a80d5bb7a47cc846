//! Real reverse proxies from the system's packages, nginx and Caddy: each in its own folder, as the
//! user that runs the tests, on free ports of 127.0.0.1, gone with its handle.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::program;

/// How long one may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between choosing a port and listening on it somebody else may take it.
const ATTEMPTS: usize = 3;

/// A running proxy. Killed and waited for on drop.
#[derive(Debug)]
pub struct ReverseProxy {
    child: Child,
    place: Place,
    _folder: TempDir,
}

/// What a configuration may speak of.
#[derive(Debug)]
pub struct Place {
    /// A folder of its own, which takes files.
    pub folder: PathBuf,
    /// A free port for http.
    pub http: u16,
    /// A free port for https.
    pub https: u16,
}

impl Place {
    /// Certificate and key for some names, signed by nobody, made with `openssl`.
    #[must_use]
    pub fn certificate(&self, names: &[&str]) -> (PathBuf, PathBuf) {
        let (certificate, key) = (self.folder.join("cert.pem"), self.folder.join("key.pem"));
        let alternatives: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-subj", "/CN=test"])
            .arg("-addext")
            .arg(format!("subjectAltName={}", alternatives.join(",")))
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("openssl is installed");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "openssl made no certificate: {said}");
        (certificate, key)
    }
}

impl ReverseProxy {
    /// nginx (`CALDAV_SYNC_NGINX` or `/usr/sbin/nginx`) with what belongs inside `http { … }`.
    #[must_use]
    pub fn nginx(servers: impl Fn(&Place) -> String) -> Self {
        let nginx = program("CALDAV_SYNC_NGINX", "/usr/sbin/nginx");
        Self::start("nginx", |place| {
            let folder = place.folder.display();
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
                .concat();
            let config = format!(
                "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n\
                 events {{ worker_connections 256; }}\nhttp {{\n  access_log off;\n{temporary}\n{}\n}}\n",
                servers(place)
            );
            let path = written(place, "nginx.conf", &config);
            let mut command = Command::new(&nginx);
            command.arg("-p").arg(&place.folder).arg("-c").arg(path);
            command.args(["-e", "stderr"]);
            command
        })
    }

    /// Caddy (`CALDAV_SYNC_CADDY` or `/usr/bin/caddy`) with a Caddyfile, below options that make it
    /// sign its certificates itself.
    #[must_use]
    pub fn caddy(sites: impl Fn(&Place) -> String) -> Self {
        let caddy = program("CALDAV_SYNC_CADDY", "/usr/bin/caddy");
        Self::start("caddy", |place| {
            let config = format!(
                "{{\n\tadmin off\n\thttp_port {}\n\thttps_port {}\n\tdefault_bind 127.0.0.1\n\
                 \tlocal_certs\n\tskip_install_trust\n\tstorage file_system {}/caddy\n}}\n\n{}\n",
                place.http,
                place.https,
                place.folder.display(),
                sites(place)
            );
            let path = written(place, "Caddyfile", &config);
            let mut command = Command::new(&caddy);
            command
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(path);
            // It keeps more than its storage at home.
            command.env("HOME", &place.folder);
            command
                .env_remove("XDG_CONFIG_HOME")
                .env_remove("XDG_DATA_HOME");
            command
        })
    }

    fn start(name: &str, command: impl Fn(&Place) -> Command) -> Self {
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            let folder = TempDir::with_prefix("caldav-sync-proxy-").expect("a temporary folder");
            let place = Place {
                folder: folder.path().to_owned(),
                http: free_port(),
                https: free_port(),
            };
            let log = place.folder.join("log");
            let child = command(&place)
                .current_dir(&place.folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(&log).expect("the folder takes a log file"))
                .spawn()
                .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
            let mut proxy = Self {
                child,
                place,
                _folder: folder,
            };
            if proxy.listens() {
                return proxy;
            }
            said = std::fs::read_to_string(&log).unwrap_or_default();
        }
        panic!("{name} did not start. It said:\n{said}");
    }

    /// Waits until it takes connections on one of its ports; `false` when it has ended.
    fn listens(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let answers = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            if answers(self.place.https) || answers(self.place.http) {
                return true;
            }
            if self.child.try_wait().ok().flatten().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Where it takes http.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.place.http))
    }

    /// Where it takes https.
    #[must_use]
    pub fn https(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.place.https))
    }
}

impl Drop for ReverseProxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn written(place: &Place, name: &str, text: &str) -> PathBuf {
    let path: &Path = &place.folder;
    let path = path.join(name);
    std::fs::write(&path, text).expect("the folder is writable");
    path
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}
