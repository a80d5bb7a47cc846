//! A server that answers whatever a test makes up, to the byte: what no honest server would send.
//!
//! One connection, one answer. It stops when it is dropped; an answer that never ends does so when
//! its client goes away.

use std::io::{self, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A request, as it was sent.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Such as `PROPFIND`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// The whole head, in lower case.
    pub head: String,
    /// The body, as text.
    pub body: String,
}

type Script = dyn Fn(&Asked, &mut dyn Write) -> io::Result<()> + Send + Sync;

/// A running server.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl ScriptedServer {
    /// Starts on a free port. `script` writes the answers, status line and all.
    pub fn start(
        script: impl Fn(&Asked, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let (count, end) = (Arc::clone(&asked), Arc::clone(&ended));
        let script: Arc<Script> = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                // An error is the client's going away: that is what it is meant to do.
                std::thread::spawn(move || one(stream, &*script).ok());
            }
        });
        Self {
            address,
            asked,
            ended,
        }
    }

    /// `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        TcpStream::connect(self.address).ok();
    }
}

fn one(mut stream: TcpStream, script: &Script) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    stream.set_write_timeout(Some(Duration::from_mins(1)))?;
    let mut seen = Vec::new();
    let mut byte = [0; 4096];
    let head_ends = |seen: &[u8]| seen.windows(4).position(|four| four == b"\r\n\r\n");
    let end = loop {
        if let Some(end) = head_ends(&seen) {
            break end + 4;
        }
        match stream.read(&mut byte)? {
            0 => return Ok(()),
            read => seen.extend_from_slice(&byte[..read]),
        }
    };
    let head = String::from_utf8_lossy(&seen[..end]).into_owned();
    let lower = head.to_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    while seen.len() < end + length {
        match stream.read(&mut byte)? {
            0 => return Ok(()),
            read => seen.extend_from_slice(&byte[..read]),
        }
    }
    let mut words = head.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let asked = Asked {
        method: word(),
        path: word(),
        head: lower,
        body: String::from_utf8_lossy(&seen[end..]).into_owned(),
    };
    script(&asked, &mut stream)?;
    stream.flush()
}

/// An answer with its length.
///
/// # Errors
/// The client has gone away.
pub fn answer(out: &mut dyn Write, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
    write!(
        out,
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )?;
    out.write_all(body)
}

/// A gzip stream of so many mebibytes of spaces: about a kilobyte for each.
///
/// # Errors
/// The client has gone away.
pub fn gzip_bomb(out: &mut dyn Write, mebibytes: usize) -> io::Result<()> {
    use flate2::{Compress, Compression, FlushCompress};
    let spaces = vec![b' '; 1024 * 1024];
    let mut packed = vec![0; 64 * 1024];
    let mut deflate = Compress::new(Compression::best(), false);
    let done = deflate.compress(&spaces, &mut packed, FlushCompress::Sync);
    done.map_err(io::Error::other)?;
    let packed = &packed[..usize::try_from(deflate.total_out()).unwrap_or(0)];
    // Header of a gzip member; then the same blocks again and again, which is a stream as good as any.
    out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
    (0..mebibytes).try_for_each(|_| out.write_all(packed))
}

/// The most memory that a process ever had, and what it has now, in KiB; `self` is this one.
pub fn memory(process: &str) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .expect("a size")
    };
    (field("VmHWM:"), field("VmRSS:"))
}
