//! The scripted upstream: an origin that fails on demand.
//!
//! One server on one port has every role: the first segment of the path selects the behaviour, so
//! one upstream can serve all routes of an Envoy. It has its own HTTP/1.1 implementation, since no
//! library sends malformed responses, and speaks HTTP/2 when the client begins with its preface.

mod h1;
mod h2;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::message::Headers;

/// Limit for the address of a closed port to be free again.
const REBIND_LIMIT: Duration = Duration::from_secs(5);

/// What the upstream does with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers.
    Answer(Answer),
    /// Sends these bytes, which need not be HTTP, and closes. Over HTTP/2: like
    /// [`Behaviour::Reset`].
    Garbage(Vec<u8>),
    /// Begins a response and then hangs. Over HTTP/2: like [`Behaviour::Hang`].
    Stuck(Answer),
    /// Sends these headers and then a body without end, as fast as it is read. HTTP/1.1: in chunks
    /// unless the headers have `content-length`.
    Endless(Answer),
    /// Closes the connection without a response.
    Close,
    /// Resets the connection (TCP RST) or the stream (HTTP/2 RST_STREAM) without a response.
    Reset,
    /// Never answers.
    Hang,
    /// Answers before it has read the body. HTTP/1.1: ends its side of the connection and drops what
    /// still comes for some seconds (RFC 9112 §9.6); an answer that is [`Answer::cut`] closes at once,
    /// which resets the connection because of the unread body. HTTP/2: resets the stream with
    /// NO_ERROR (RFC 9113 §8.1).
    Early(Answer),
    /// Waits for so long while the body comes, then closes the connection (resets the stream in
    /// HTTP/2) without a response.
    GiveUp(Duration),
    /// Answers a limited number of requests per second, one after the other. A request that would
    /// wait for longer than `patience` gets a 503 after that time.
    Capacity {
        /// Requests per second.
        per_second: u32,
        /// Longest time that a request waits in the queue.
        patience: Duration,
    },
    /// Accepts an upgrade and echoes what it receives. Over HTTP/2: like [`Behaviour::Reset`].
    Upgrade,
}

/// A response, complete or cut off.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header fields; `content-length` and `transfer-encoding` follow from the body.
    pub headers: Headers,
    /// Body.
    pub body: Body,
    /// Trailer fields; only with a chunked body or HTTP/2.
    pub trailers: Headers,
    /// Time before the headers are sent.
    pub delay: Duration,
    /// Whether the connection (the stream in HTTP/2) is reset after the last part of the body.
    pub cut: bool,
}

/// The body of an answer.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// None: `content-length: 0`, or END_STREAM on the headers.
    #[default]
    None,
    /// With its length.
    Whole(Vec<u8>),
    /// In chunks, with a pause before each. Without any chunk, the body is empty.
    Chunks(Vec<Vec<u8>>, Duration),
    /// The end of the connection is its end. Over HTTP/2: like `Whole`.
    UntilClose(Vec<u8>),
    /// `Content-Length` announces more bytes than are sent, by this number.
    Short(Vec<u8>, usize),
}

impl Answer {
    /// Returns an answer without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Adds a trailer field.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.add(name, value);
        self
    }

    /// Sets a body with this type and its length.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        self.with(Body::Whole(body.as_ref().to_vec()))
            .header("content-type", content_type)
    }

    /// Sets a body with this type in chunks, without pauses.
    #[must_use]
    pub fn chunks(self, content_type: &str, chunks: &[&[u8]]) -> Self {
        self.trickle(content_type, chunks, Duration::ZERO)
    }

    /// Sets a body with this type in chunks, with a pause before each.
    #[must_use]
    pub fn trickle(self, content_type: &str, chunks: &[&[u8]], pause: Duration) -> Self {
        let chunks = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        self.with(Body::Chunks(chunks, pause))
            .header("content-type", content_type)
    }

    /// Sets the body.
    #[must_use]
    pub fn with(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sets the time before the headers are sent.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Resets the connection after the body, which can be shorter than announced.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

impl From<Answer> for Behaviour {
    fn from(answer: Answer) -> Self {
        Behaviour::Answer(answer)
    }
}

/// A running upstream. It ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    script: Arc<Script>,
    port: Mutex<Port>,
}

/// The port of an upstream.
#[derive(Debug)]
enum Port {
    /// Connections are accepted.
    Open(JoinHandle<()>),
    /// Connections are refused. The port is bound, so that nobody else gets it.
    Closed(Socket),
}

/// State that the connections share.
#[derive(Debug, Default)]
struct Script {
    behaviours: Mutex<HashMap<String, Behaviour>>,
    requests: Mutex<HashMap<String, Requests>>,
    /// When the next request of a [`Behaviour::Capacity`] can be served.
    free: Mutex<HashMap<String, Instant>>,
    connections: AtomicU64,
}

/// The requests for one name.
#[derive(Debug, Default, Clone)]
struct Requests {
    /// When each one came.
    arrivals: Vec<Instant>,
    going: u64,
    most_at_once: u64,
}

/// A request in progress; it ends when this value is dropped.
#[derive(Debug)]
struct Going {
    script: Arc<Script>,
    name: String,
}

impl Drop for Going {
    fn drop(&mut self) {
        if let Ok(mut requests) = self.script.requests.lock() {
            requests.entry(self.name.clone()).or_default().going -= 1;
        }
    }
}

impl Upstream {
    /// Starts an upstream. The first segment of the path selects its behaviour (`502` for
    /// `/502/a`), unless the request names one in `x-behaviour`. Other paths get a 200 with a short
    /// text.
    pub fn start<N: Into<String>, B: Into<Behaviour>>(
        behaviours: impl IntoIterator<Item = (N, B)>,
    ) -> Upstream {
        let socket = bound_socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let socket = socket.expect("bind the upstream");
        let address = socket.local_addr().expect("the address of the upstream");
        let address = address.as_socket().expect("an address of the internet");
        let behaviours = behaviours
            .into_iter()
            .map(|(name, b)| (name.into(), b.into()))
            .collect();
        let script = Arc::new(Script {
            behaviours: Mutex::new(behaviours),
            ..Script::default()
        });
        let port = Mutex::new(Port::Open(listen(socket, script.clone())));
        Upstream {
            address,
            script,
            port,
        }
    }

    /// Refuses new connections and closes those that there are.
    pub fn close_port(&self) {
        let mut port = self.port.lock().expect("the port");
        if let Port::Open(acceptor) = &mut *port {
            acceptor.abort();
            // The listener is closed when the task has ended.
            let _ = crate::runtime().block_on(acceptor);
            *port = Port::Closed(rebound_socket(self.address));
        }
    }

    /// Accepts connections again after [`Upstream::close_port`].
    pub fn open_port(&self) {
        let mut port = self.port.lock().expect("the port");
        if let Port::Closed(socket) = &*port {
            let socket = socket.try_clone().expect("copy the socket");
            *port = Port::Open(listen(socket, self.script.clone()));
        }
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the behaviour for requests whose path begins with `/<name>`.
    pub fn set(&self, name: &str, behaviour: impl Into<Behaviour>) {
        let mut behaviours = self.script.behaviours.lock().expect("the script");
        behaviours.insert(name.to_owned(), behaviour.into());
    }

    /// Returns the number of requests for the name.
    pub fn requests(&self, name: &str) -> u64 {
        self.script
            .look(name, |requests| requests.arrivals.len() as u64)
    }

    /// Returns when each request for the name came, in order.
    pub fn arrivals(&self, name: &str) -> Vec<Instant> {
        self.script.look(name, |requests| requests.arrivals.clone())
    }

    /// Returns the maximum number of concurrent requests for the name.
    pub fn most_at_once(&self, name: &str) -> u64 {
        self.script.look(name, |requests| requests.most_at_once)
    }

    /// Returns the number of connections that were made.
    pub fn connections(&self) -> u64 {
        self.script.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Ok(Port::Open(acceptor)) = self.port.get_mut() {
            acceptor.abort();
        }
    }
}

impl Script {
    /// Passes the requests for the name to `look`, if there were any.
    fn look<T: Default>(&self, name: &str, look: impl FnOnce(&Requests) -> T) -> T {
        let requests = self.requests.lock().expect("the script");
        requests.get(name).map(look).unwrap_or_default()
    }

    /// Counts a request for `path` (or the name that it chose) and returns what to do with it. The request is in progress until
    /// the second value is dropped.
    fn behaviour(self: &Arc<Self>, path: &str, chosen: Option<&str>) -> (Behaviour, Going) {
        let path = path.trim_start_matches('/');
        let first = || path.split(['/', '?']).next().unwrap_or_default();
        let name = chosen.unwrap_or_else(first);
        let going = Going {
            script: self.clone(),
            name: name.to_owned(),
        };
        {
            let mut requests = self.requests.lock().expect("the script");
            let requests = requests.entry(name.to_owned()).or_default();
            requests.arrivals.push(Instant::now());
            requests.going += 1;
            requests.most_at_once = requests.most_at_once.max(requests.going);
        }
        let behaviours = self.behaviours.lock().expect("the script");
        let behaviour = behaviours.get(name).cloned().unwrap_or_else(|| {
            Answer::status(200)
                .body("text/plain", "the upstream is fine\n")
                .into()
        });
        let behaviour = match behaviour {
            Behaviour::Capacity {
                per_second,
                patience,
            } => self.queue(name, per_second, patience).into(),
            other => other,
        };
        (behaviour, going)
    }

    /// Puts a request into the queue of a limited capacity.
    fn queue(&self, name: &str, per_second: u32, patience: Duration) -> Answer {
        let now = Instant::now();
        let mut free = self.free.lock().expect("the script");
        let free = free.entry(name.to_owned()).or_insert(now);
        let wait = free.saturating_duration_since(now);
        if wait > patience {
            return Answer::status(503).after(patience);
        }
        *free = now + wait + Duration::from_secs(1) / per_second;
        Answer::status(200).body("text/plain", "served").after(wait)
    }
}

/// Returns a socket that refuses connections until it listens.
fn bound_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Connections to a listener that was closed may still be ending.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Returns a socket with the address of a listener that was closed. Another process that is being started
/// holds a copy of the listener until it runs its own program.
fn rebound_socket(address: SocketAddr) -> Socket {
    let end = Instant::now() + REBIND_LIMIT;
    loop {
        match bound_socket(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            socket => return socket.expect("bind the upstream again"),
        }
    }
}

fn listen(socket: Socket, script: Arc<Script>) -> JoinHandle<()> {
    socket.listen(1024).expect("listen");
    let _runtime = crate::runtime().enter();
    let listener = TcpListener::from_std(socket.into()).expect("a listener");
    crate::runtime().spawn(accept(listener, script))
}

/// Accepts connections. They belong to a set that ends when the acceptor is aborted.
async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                script.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(stream, script.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, script: Arc<Script>) {
    let _ = stream.set_nodelay(true);
    let mut first = [0_u8; 4];
    loop {
        // Peeks, so that the chosen protocol reads the connection from its beginning.
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => return,
            Ok(1..=3) if b"PRI ".starts_with(&first[..1]) => tokio::task::yield_now().await,
            Ok(_) => break,
        }
    }
    // The tests assert at the other end how a connection ended.
    let _ = match &first {
        b"PRI " => h2::serve(stream, &script).await,
        _ => h1::serve(stream, &script).await,
    };
}

/// The header by which a request chooses the behaviour. So requests for the same path can get
/// different responses.
const CHOICE: &str = "x-behaviour";

/// A piece of a body without end.
const PIECE: [u8; 16 << 10] = [b'.'; 16 << 10];

/// Makes closing the connection send a reset.
fn reset_on_close(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
