//! The HTTP shell: sockets, bodies, gzip, and the ways an answer can fail to
//! arrive. The only place that reads the system's time. It runs on a thread of
//! its own, so a simulator can be started from anywhere.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::machine::Machine;
use super::wire::{Delivery, Request, Response};

/// Largest request body taken.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// The system's time in milliseconds, for clocks that follow it.
pub(super) fn wall() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A listening simulator.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(port: u16, machine: Arc<Mutex<Machine>>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("google-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = accept(listener, machine) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panicked thread has nothing more to stop.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, machine: Arc<Mutex<Machine>>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "google.sim.listen_failed");
            return;
        }
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let machine = Arc::clone(&machine);
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(request, Arc::clone(&machine)));
            // A failed connection is the client's to notice; some fail on order.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn serve(
    request: hyper::Request<Incoming>,
    machine: Arc<Mutex<Machine>>,
) -> io::Result<hyper::Response<Pieces>> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return answer(Response::html(
            413,
            "<!DOCTYPE html><title>413</title>".into(),
        ));
    };
    let query = parts.uri.query().unwrap_or_default();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.as_str().to_owned(), value);
    }
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers,
        body: body.to_bytes().to_vec(),
    };
    let response = machine
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .handle(&request, wall());
    let response = compressed(&request, response);
    if let Delivery::Hold { ms } = response.delivery {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    answer(response)
}

fn answer(response: Response) -> io::Result<hyper::Response<Pieces>> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(*name, value);
    }
    if response.status != 204 && response.status != 304 {
        builder = builder.header("content-length", response.body.len());
    }
    let body = Bytes::from(response.body);
    let pieces = match response.delivery {
        Delivery::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        Delivery::Truncate { keep } => Pieces {
            rest: VecDeque::from([body.slice(..keep.min(body.len()))]),
            fail: true,
            ..Pieces::default()
        },
        Delivery::Drip { bytes, pause_ms } => {
            let step = bytes.max(1);
            let cuts = (0..body.len()).step_by(step);
            Pieces {
                rest: cuts
                    .map(|at| body.slice(at..body.len().min(at + step)))
                    .collect(),
                pause: Some(Duration::from_millis(pause_ms)),
                ..Pieces::default()
            }
        }
        Delivery::Whole | Delivery::Hold { .. } => Pieces {
            rest: VecDeque::from([body]),
            ..Pieces::default()
        },
    };
    builder.body(pieces).map_err(io::Error::other)
}

/// Compresses for clients that ask for it the way Google wants it.
fn compressed(request: &Request, mut response: Response) -> Response {
    let says = |name: &str| {
        request
            .header(name)
            .is_some_and(|value| value.contains("gzip"))
    };
    let plain = response.body.is_empty() || request.path.starts_with("/_sim/");
    if plain || !says("accept-encoding") || !says("user-agent") {
        return response;
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let done = encoder
        .write_all(&response.body)
        .and_then(|()| encoder.finish());
    if let Ok(body) = done {
        response.body = body;
        response
            .headers
            .push(("content-encoding", "gzip".to_owned()));
        response
            .headers
            .push(("vary", "Accept-Encoding".to_owned()));
    }
    response
}

/// A body in pieces, with pauses between them, that may break off.
#[derive(Debug, Default)]
struct Pieces {
    rest: VecDeque<Bytes>,
    fail: bool,
    /// Waited once before failing, so that what came before is flushed.
    waited: bool,
    pause: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(sleep) = &mut self.sleep {
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        match self.rest.pop_front() {
            Some(piece) => {
                self.sleep = self.pause.map(|pause| Box::pin(tokio::time::sleep(pause)));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None if self.fail && !self.waited => {
                self.waited = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None if self.fail => {
                self.fail = false;
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
            }
            None => Poll::Ready(None),
        }
    }
}
