//! A small HTTP/1.1 server whose port can be closed and opened again.
//!
//! The preview serves its gallery with it. The demo must be able to *refuse connections* on a port
//! it keeps for itself, and must not answer one more request on a connection that Envoy had open
//! before: no server library does that. A closed [`Server`] therefore holds its port by a socket that
//! is bound and does not listen (the kernel refuses connections to it, and gives the port to nobody
//! else).

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Longest request head in bytes; browsers stay far below it.
const MAX_HEAD: usize = 32 * 1024;
/// Most header fields of one request.
const MAX_FIELDS: usize = 100;
/// Longest request body in bytes: an order form, or a mode.
const MAX_BODY: usize = 64 * 1024;
/// How long a client of a server without keep-alive may take over its request or the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One request, as far as the commands need it.
pub(super) struct Request {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Value of the first field of that name (any case), if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }
}

/// One answer. `content-length` and `connection` are added on the way out.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// An answer with a body of the given type.
    pub(super) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
        ];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What answers requests; called on the thread of the connection, so it may take its time.
pub(super) type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// A server on one port of 127.0.0.1, open or closed.
pub(super) struct Server {
    port: u16,
    keep_alive: bool,
    handler: Arc<Handler>,
    door: Mutex<Door>,
}

enum Door {
    Open(Listening),
    Closed(Socket),
    /// The port could not be taken back.
    Lost,
}

struct Listening {
    stop: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
    connections: Connections,
}

impl Server {
    /// Takes `port` (0: a free one) without listening on it yet.
    ///
    /// # Errors
    /// The port is taken, or may not be used.
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

    /// The port, open or not.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Listens; nothing happens if it does already. On return connections are accepted.
    ///
    /// # Errors
    /// What the system says.
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

    /// Stops listening and ends every connection; nothing happens if it is closed. On return
    /// connections are refused.
    ///
    /// # Errors
    /// The port could not be kept; connections are refused all the same.
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

/// A socket that holds the port and refuses connections.
fn bound(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Else connections that ended a moment ago would keep the port from us for a minute.
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

/// Whether nobody listens on the port.
///
/// # Errors
/// Somebody does, or the port may not be used.
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
                    // A connection that died before it was accepted is its client's business.
                    let Ok(stream) = stream else { continue };
                    let Some(entry) = open.enter(&stream) else {
                        continue;
                    };
                    let handler = handler.clone();
                    // No thread to be had: the connection is dropped, as an overloaded server would.
                    let _ =
                        std::thread::Builder::new()
                            .name("connection".into())
                            .spawn(move || {
                                let _entry = entry;
                                // An error here is a client that left or spoke no HTTP; the demo goes on.
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
        // The accepting thread sleeps in the kernel; a connection wakes it. It may be busy and its
        // queue full: then it sees the flag without this.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
        // It drops the listener; a panic there would have done so too.
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
            // It may have ended by itself meanwhile.
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

/// Answers the requests of one connection, one after the other.
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

/// Reads one request; what was read beyond it stays in `buffer`. `None`: the client is done.
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

/// The request line and headers at the start of `buffer` with their length, once they are complete.
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

/// Locks; a thread that panicked holding it left nothing half done here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request from its bytes, for the tests of what answers them.
#[cfg(test)]
pub(super) fn parse(request: &str) -> Request {
    let request = read_request(&mut request.as_bytes(), &mut Vec::new());
    request.unwrap().expect("a whole request")
}
