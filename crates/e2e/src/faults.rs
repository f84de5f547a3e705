//! Failures without a response: addresses that refuse connections, addresses where connections
//! hang, and a name server that knows no names. All are on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// An address that refuses every connection. The port is bound, so no other process can listen
/// there, but nothing listens on it.
#[derive(Debug)]
pub struct Refused {
    _socket: Socket,
    address: SocketAddr,
}

impl Default for Refused {
    fn default() -> Self {
        let (socket, address) = bound_socket();
        Self {
            _socket: socket,
            address,
        }
    }
}

impl Refused {
    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// An address where connecting hangs: a listener with a full queue. Linux then drops further SYNs,
/// like a firewall that drops packets.
#[derive(Debug)]
pub struct BlackHole {
    _listener: Socket,
    _queue: Vec<TcpStream>,
    address: SocketAddr,
}

impl Default for BlackHole {
    fn default() -> Self {
        let (listener, address) = bound_socket();
        listener.listen(0).expect("listen");
        let mut queue = Vec::new();
        // The kernel accepts backlog + 1 connections; connect until it accepts no more.
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queue.push(stream);
            assert!(
                queue.len() < 64,
                "this kernel does not drop connections to a full listener"
            );
        }
        Self {
            _listener: listener,
            _queue: queue,
            address,
        }
    }
}

impl BlackHole {
    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A name server that answers NXDOMAIN to everything.
#[derive(Debug)]
pub struct NoNames {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Default for NoNames {
    fn default() -> Self {
        let socket = crate::runtime()
            .block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("bind a name server");
        let address = socket.local_addr().expect("the address of the name server");
        let task = crate::runtime().spawn(async move {
            let mut query = [0_u8; 1500];
            while let Ok((len, from)) = socket.recv_from(&mut query).await {
                if len < 12 {
                    continue;
                }
                // Returns the question with QR and RA set and RCODE 3 (RFC 1035 §4.1.1), without
                // the additional records, where a client puts EDNS.
                let mut answer = query[..question_end(&query[..len])].to_vec();
                answer[2] |= 0x80;
                answer[3] = 0x80 | 3;
                answer[6..12].fill(0);
                let _ = socket.send_to(&answer, from).await;
            }
        });
        Self { address, task }
    }
}

impl NoNames {
    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NoNames {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns the end of the only question of a query: labels up to the empty one, then type and
/// class.
fn question_end(query: &[u8]) -> usize {
    let mut at = 12;
    while let Some(&len) = query.get(at).filter(|&&len| len != 0) {
        at += 1 + usize::from(len);
    }
    (at + 5).min(query.len())
}

fn bound_socket() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("make a socket");
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .expect("bind a socket");
    let address = socket.local_addr().expect("the address of a socket");
    (socket, address.as_socket().expect("an IPv4 address"))
}
