//! The HTTP shell: sockets around the core, and what only a connection can do (delay, reset, cut
//! body).
//!
//! One thread with its own small runtime serves everything, so that a server can be started from
//! any context and is gone, port included, when its handle is dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::config::SimClock;
use super::control;
use super::faults::FaultAction;
use super::handler;
use super::reply::{self, Reply};
use super::state::State;

/// Request bodies over this are refused before the core sees them.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What the handle and the connections share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) clock: SimClock,
}

impl Shared {
    pub(super) fn new(state: State, clock: SimClock) -> Self {
        Self {
            state: Mutex::new(state),
            clock,
        }
    }

    /// The state. A panic elsewhere while it was held does not matter to a test server.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The serving thread; stops and is joined on drop.
#[derive(Debug)]
pub(super) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Binds 127.0.0.1 and returns the listener with its address.
pub(super) fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Server {
    pub(super) fn start(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("caldav-sim".to_owned())
            .spawn(move || runtime.block_on(serve(listener, shared, stopped)))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        stream.set_nodelay(true).ok();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| one(Arc::clone(&shared), request));
            // An error here is the client's going away, or a fault of ours doing its work.
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

/// A fault that closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the simulator closed this connection on purpose")]
struct Closed;

async fn one(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Sent>, Closed> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let mut reply = reply::status(413);
        reply
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        return Ok(reply.map(Sent::whole));
    };
    let request = Request::from_parts(parts, body.to_bytes());
    let now = (shared.clock)();
    if let Some(rest) = request.uri().path().strip_prefix("/_sim/") {
        let reply = control::control(&mut shared.state(), rest, &request, now);
        return Ok(reply.map(Sent::whole));
    }
    let outcome = handler::handle(&mut shared.state(), &request, now);
    suffer(outcome.reply, outcome.suffers).await
}

async fn suffer(mut reply: Reply, suffers: Option<FaultAction>) -> Result<Response<Sent>, Closed> {
    match suffers {
        Some(FaultAction::Reset) => return Err(Closed),
        Some(FaultAction::Delay { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        Some(FaultAction::CutBody { bytes }) => {
            let length = reply.body().len();
            reply
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
            return Ok(reply.map(|body| Sent::cut(&body, bytes)));
        }
        Some(FaultAction::Status { .. }) | None => {}
    }
    Ok(reply.map(Sent::whole))
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
