//! A small HTTP/1.1 server whose port can be closed and opened again.
//!
//! The demo must be able to refuse connections on a port that it keeps, and must not answer another
//! request on a connection that Envoy had opened before. Server crates (`tiny_http`, `hyper`) own
//! their listener and connections and offer neither. So a closed [`Server`] holds its port by a
//! socket that is bound but does not listen: the kernel refuses connections to it and gives the
//! port to no other process. Preview and panel use the same server, since a second one would not be
//! simpler. httparse parses requests.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Largest request head in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// Largest number of header fields.
const MAX_FIELDS: usize = 100;
/// Largest request body in bytes.
const MAX_BODY: usize = 64 * 1024;
/// Timeout for reads and writes of a server without keep-alive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request.
pub(super) struct Request {
    pub(super) method: String,
    /// The path without its query.
    pub(super) path: String,
    headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Returns the value of the first field with this name, in any case, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }
}

/// A response. `content-length` and `connection` are added when it is sent.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// Creates a response with a body of this type.
    pub(super) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![
            ("content-type".into(), content_type.to_owned()),
            ("cache-control".into(), "no-store".to_owned()),
        ];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Answers requests on the thread of the connection; may block.
pub(super) type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// A server on a port of 127.0.0.1 that is open or closed.
pub(super) struct Server {
    port: u16,
    keep_alive: bool,
    handler: Arc<Handler>,
    door: Mutex<Door>,
}

enum Door {
    Open(Listening),
    Closed(Socket),
    /// The port could not be bound again.
    Lost,
}

struct Listening {
    stop: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
    connections: Connections,
}

impl Server {
    /// Binds `port` without listening on it; 0 selects a free port.
    ///
    /// # Errors
    /// The port is in use or not permitted.
    pub(super) fn reserve(port: u16, keep_alive: bool, handler: Arc<Handler>) -> io::Result<Self> {
        let socket = bound(port)?;
        let address = socket.local_addr()?.as_socket();
        let port = address.map_or(port, |address| address.port());
        Ok(Self {
            port,
            keep_alive,
            handler,
            door: Mutex::new(Door::Closed(socket)),
        })
    }

    /// Returns the port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Listens, unless it does already. On return, connections are accepted.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn open(&self) -> io::Result<()> {
        let mut door = lock(&self.door);
        let socket = match std::mem::replace(&mut *door, Door::Lost) {
            Door::Closed(socket) => socket,
            Door::Lost => bound(self.port)?,
            open @ Door::Open(_) => {
                *door = open;
                return Ok(());
            }
        };
        socket.listen(1024)?;
        *door = Door::Open(Listening::start(
            socket.into(),
            self.keep_alive,
            &self.handler,
        )?);
        Ok(())
    }

    /// Stops listening and ends every connection, unless it is closed already. On return,
    /// connections are refused.
    ///
    /// # Errors
    /// The port could not be bound again; connections are refused all the same.
    pub(super) fn close(&self) -> io::Result<()> {
        let mut door = lock(&self.door);
        match std::mem::replace(&mut *door, Door::Lost) {
            Door::Open(listening) => {
                listening.end(self.port);
                *door = Door::Closed(bound(self.port)?);
            }
            other => *door = other,
        }
        Ok(())
    }
}

/// Returns a socket that holds the port and refuses connections.
fn bound(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Otherwise recently closed connections would block the port for a minute.
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

/// Checks that no process listens on the port.
///
/// # Errors
/// A process listens, or the port is not permitted.
pub(super) fn is_free(port: u16) -> io::Result<()> {
    bound(port).map(drop)
}

impl Listening {
    fn start(listener: TcpListener, keep_alive: bool, handler: &Arc<Handler>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let connections = Connections::default();
        let (stopped, open, handler) = (stop.clone(), connections.clone(), handler.clone());
        let accepting = std::thread::Builder::new()
            .name("accept".into())
            .spawn(move || {
                for stream in listener.incoming() {
                    if stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    // A connection that ended before it was accepted is ignored.
                    let Ok(stream) = stream else { continue };
                    let Some(entry) = open.enter(&stream) else {
                        continue;
                    };
                    let handler = handler.clone();
                    // If no thread can be started, the connection is dropped.
                    let _ =
                        std::thread::Builder::new()
                            .name("connection".into())
                            .spawn(move || {
                                let _entry = entry;
                                // Errors are those of the client; the server continues.
                                let _ = converse(stream, keep_alive, &*handler);
                            });
                }
            })?;
        Ok(Self {
            stop,
            accepting,
            connections,
        })
    }

    fn end(self, port: u16) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread with a connection. If its queue is full, it sees the flag
        // without this.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
        // Drops the listener, even if the thread panicked.
        let _ = self.accepting.join();
        self.connections.end_all();
    }
}

/// The open connections of a listener, so that they can be ended with it.
#[derive(Clone, Default)]
struct Connections {
    streams: Arc<Mutex<HashMap<u64, TcpStream>>>,
    next: Arc<AtomicU64>,
}

impl Connections {
    fn enter(&self, stream: &TcpStream) -> Option<Entry> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.streams).insert(id, stream.try_clone().ok()?);
        Some(Entry {
            id,
            streams: self.streams.clone(),
        })
    }

    fn end_all(&self) {
        for stream in lock(&self.streams).values() {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

struct Entry {
    id: u64,
    streams: Arc<Mutex<HashMap<u64, TcpStream>>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.streams).remove(&self.id);
    }
}

/// Answers the requests of one connection in sequence.
fn converse(mut stream: TcpStream, keep_alive: bool, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if !keep_alive {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
    }
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer)? {
        let last = !keep_alive
            || request
                .header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let response = handler(&request);
        write_response(&mut stream, &response, request.method == "HEAD", last)?;
        if last {
            break;
        }
    }
    Ok(())
}

/// Reads one request; bytes after it stay in `buffer`. Returns `None` at the end of the connection.
fn read_request(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let (mut request, head) = loop {
        if let Some(parsed) = parse_head(buffer)? {
            break parsed;
        }
        if buffer.len() > MAX_HEAD {
            return Err(invalid("the request head is too long"));
        }
        if read_more(stream, buffer)? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(invalid("cut off in the head"))
            };
        }
    };
    if request.header("transfer-encoding").is_some() {
        return Err(invalid("a chunked request body is not understood"));
    }
    let length = match request.header("content-length") {
        Some(value) => value
            .parse()
            .map_err(|_| invalid("content-length is not a number"))?,
        None => 0,
    };
    if length > MAX_BODY {
        return Err(invalid("the request body is too long"));
    }
    while buffer.len() < head + length {
        if read_more(stream, buffer)? == 0 {
            return Err(invalid("cut off in the body"));
        }
    }
    request.body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Ok(Some(request))
}

/// Parses the request head at the start of `buffer` and returns it with its length once it is
/// complete.
fn parse_head(buffer: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(head) = parsed.parse(buffer).map_err(invalid)? else {
        return Ok(None);
    };
    let target = parsed.path.unwrap_or("/");
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        headers: parsed
            .headers
            .iter()
            .map(|f| (f.name.to_owned(), f.value.to_vec()))
            .collect(),
        body: Vec::new(),
    };
    Ok(Some((request, head)))
}

fn read_more(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 8 * 1024];
    let read = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..read]);
    Ok(read)
}

fn write_response(
    stream: &mut impl Write,
    response: &Response,
    head_only: bool,
    last: bool,
) -> io::Result<()> {
    let mut out = format!(
        "HTTP/1.1 {} {}\r\n",
        response.status,
        phrase(response.status)
    );
    for (name, value) in &response.headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    if last {
        out.push_str("connection: close\r\n");
    }
    out.push_str(&format!("content-length: {}\r\n\r\n", response.body.len()));
    let mut out = out.into_bytes();
    if !head_only {
        out.extend_from_slice(&response.body);
    }
    stream.write_all(&out)
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Locks a mutex. Its data stays valid even if a thread panicked while it held the lock.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parses a request, for tests of handlers.
#[cfg(test)]
pub(super) fn parse(request: &str) -> Request {
    let request = read_request(&mut request.as_bytes(), &mut Vec::new());
    request.unwrap().expect("a whole request")
}
