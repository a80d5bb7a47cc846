//! An HTTP/1.1 reverse proxy for tests: counts, logs, and makes trouble by rule.
//!
//! It stands in front of any plain-HTTP server. Request line, `Host` and `Authorization` pass
//! through untouched, so hrefs and challenges stay valid on both sides. `rules` says which trouble
//! meets which request; here is the plumbing, on a thread of its own.

mod rules;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use rules::{Chance, Rules};
pub use rules::{Rule, Trouble};

/// Bytes of a request body kept in the log.
const BODY_KEPT: usize = 64 * 1024;

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct CountingProxy {
    url: String,
    inner: Arc<Mutex<Inner>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    /// `HOST:PORT` of the server behind.
    target: String,
    rules: Rules,
    log: Vec<Proxied>,
}

/// One request that came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// The request's body, cut at 64 KiB, as text.
    pub body: String,
    /// What the client was answered; 0 when its connection was closed instead.
    pub status: u16,
    /// Whether the server behind saw the request.
    pub forwarded: bool,
    /// Whether a rule struck.
    pub troubled: bool,
}

impl CountingProxy {
    /// Starts a proxy on a free port of 127.0.0.1 before `target`, a URL of scheme http whose path
    /// is ignored.
    #[must_use]
    pub fn start(target: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("a listener");
        let inner = Arc::new(Mutex::new(Inner {
            target: authority(target),
            rules: Rules::default(),
            log: Vec::new(),
        }));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(serve(listener, shared, stopped));
        });
        Self {
            url: base(address),
            inner,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// `http://127.0.0.1:PORT`, without a last slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts another server behind it.
    pub fn set_target(&self, target: &str) {
        self.inner().target = authority(target);
    }

    /// Adds a rule.
    pub fn add(&self, rule: Rule) {
        self.inner().rules.add(rule);
    }

    /// Removes all rules, and trouble by chance.
    pub fn clear_rules(&self) {
        self.inner().rules = Rules::default();
    }

    /// Makes trouble by chance, of `per_mille` requests in a thousand, until [`Self::quiet`]: lost
    /// requests, lost answers, 502 and 503, answers that break off, and slow ones. The same seed
    /// makes the same trouble for the same requests in the same order. Rules go before.
    pub fn faults(&self, seed: u64, per_mille: u32) {
        self.inner().rules.chance(Chance::new(seed, per_mille));
    }

    /// Ends all trouble: what [`Self::faults`] began, and every rule.
    pub fn quiet(&self) {
        self.clear_rules();
    }

    /// The requests since the log was last cleared, in the order in which they were answered.
    #[must_use]
    pub fn log(&self) -> Vec<Proxied> {
        self.inner().log.clone()
    }

    /// Forgets the log.
    pub fn clear_log(&self) {
        self.inner().log.clear();
    }

    /// Requests by method since the log was last cleared.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.inner().log {
            *counts.entry(request.method.clone()).or_default() += 1;
        }
        counts
    }

    /// All requests since the log was last cleared.
    #[must_use]
    pub fn total(&self) -> usize {
        self.inner().log.len()
    }

    /// Requests that may change something: anything but GET, HEAD, OPTIONS, PROPFIND and REPORT.
    #[must_use]
    pub fn writes(&self) -> usize {
        let reads = ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"];
        self.inner()
            .log
            .iter()
            .filter(|r| !reads.contains(&r.method.as_str()))
            .count()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Drop for CountingProxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

fn base(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn authority(target: &str) -> String {
    let rest = target
        .strip_prefix("http://")
        .unwrap_or_else(|| panic!("the proxy speaks plain HTTP only, not {target}"));
    rest.split('/').next().unwrap_or_default().to_owned()
}

async fn serve(
    listener: TcpListener,
    inner: Arc<Mutex<Inner>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        stream.set_nodelay(true).ok();
        let inner = Arc::clone(&inner);
        tokio::spawn(async move {
            let service = service_fn(move |request| one(Arc::clone(&inner), request));
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

/// The connection is to be closed.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

async fn one(
    inner: Arc<Mutex<Inner>>,
    request: Request<Incoming>,
) -> Result<Response<Sent>, Closed> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let mut entry = Proxied {
        method: parts.method.to_string(),
        path: path.to_owned(),
        body: String::from_utf8_lossy(body.get(..BODY_KEPT).unwrap_or(&body)).into_owned(),
        status: 0,
        forwarded: false,
        troubled: false,
    };
    let (trouble, target) = {
        let mut inner = lock(&inner);
        let trouble = inner.rules.strike(&entry.method, &entry.path, &entry.body);
        (trouble, inner.target.clone())
    };
    entry.troubled = trouble.is_some();
    entry.forwarded = trouble.as_ref().is_none_or(Trouble::lets_through);
    if let Some(Trouble::Delay { millis }) = trouble {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let mut answer = if entry.forwarded {
        match forward(&target, Request::from_parts(parts, Full::new(body))).await {
            Ok(answer) => answer,
            Err(error) => plain(502, &format!("The server behind did not answer: {error}")),
        }
    } else {
        plain(503, "")
    };
    if let Some(
        Trouble::Refuse {
            status,
            retry_after,
        }
        | Trouble::Replace {
            status,
            retry_after,
        },
    ) = &trouble
    {
        answer = plain(*status, "");
        let value = retry_after
            .as_deref()
            .and_then(|v| HeaderValue::from_str(v).ok());
        if let Some(value) = value {
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
    }
    let closes = matches!(trouble, Some(Trouble::Reset | Trouble::DropAnswer));
    if !closes {
        entry.status = answer.status().as_u16();
    }
    lock(&inner).log.push(entry);
    match trouble {
        _ if closes => Err(Closed),
        Some(Trouble::CutBody { bytes }) => {
            let length = answer.body().len();
            answer
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
            Ok(answer.map(|body| Sent::cut(&body, bytes)))
        }
        _ => Ok(answer.map(Sent::whole)),
    }
}

/// One connection to the server behind for each request: nothing is kept that could mislead.
async fn forward(
    target: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = tokio::net::TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let (mut parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    parts.headers.remove(TRANSFER_ENCODING);
    parts.headers.remove(CONNECTION);
    Ok(Response::from_parts(parts, body))
}

fn plain(status: u16, text: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::copy_from_slice(text.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a valid status");
    answer
}

/// A body that may end too soon.
struct Sent {
    data: Option<Bytes>,
    length: u64,
    broken: bool,
}

impl Sent {
    fn whole(data: Bytes) -> Self {
        Self {
            length: data.len() as u64,
            data: Some(data).filter(|d| !d.is_empty()),
            broken: false,
        }
    }

    fn cut(data: &Bytes, at: usize) -> Self {
        Self {
            length: data.len() as u64,
            data: Some(data.slice(..at.min(data.len()))),
            broken: true,
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        Poll::Ready(std::mem::take(&mut self.broken).then_some(Err(Closed)))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && !self.broken
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
