//! Uploads that read while they send, as browsers do. A server that has read enough may answer
//! before the upload is complete, and close.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Protocol;
use crate::message::Request;

/// How much is sent, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Upload {
    /// Announced size in bytes.
    pub size: usize,
    /// Bytes that are sent at once.
    pub chunk: usize,
    /// Pause after each chunk.
    pub rest: Duration,
}

impl Upload {
    /// Sends the head of `request` and this body over a connection of its own. Returns the status of
    /// the response, which may come before the body is sent.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn send(
        self,
        protocol: Protocol,
        address: SocketAddr,
        request: &Request,
    ) -> Result<u16, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|e| format!("connect: {e}"))?;
        let _ = stream.set_nodelay(true);
        let answer = async {
            match protocol {
                Protocol::H1 => self.over_h1(stream, request).await,
                Protocol::H2 => self.over_h2(stream, request).await,
            }
        };
        let answer = tokio::time::timeout(super::LIMIT, answer).await;
        answer.unwrap_or_else(|_| Err("no response in time".to_owned()))
    }

    async fn over_h1(self, mut stream: TcpStream, request: &Request) -> Result<u16, String> {
        let announced = request
            .clone()
            .header("content-length", self.size.to_string());
        let head = super::h1::encode_head(&announced);
        let (mut from, mut to) = stream.split();
        let sending = async {
            to.write_all(&head).await?;
            let chunk = vec![b'x'; self.chunk];
            let mut left = self.size;
            while left > 0 {
                let next = left.min(self.chunk);
                to.write_all(&chunk[..next]).await?;
                left -= next;
                if !self.rest.is_zero() {
                    tokio::time::sleep(self.rest).await;
                }
            }
            Ok::<(), std::io::Error>(())
        };
        let reading = async {
            let mut head = Vec::new();
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                match from.read_buf(&mut head).await {
                    Ok(0) => return Err("the connection was closed".to_owned()),
                    Ok(_) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            let status = head.get(9..12).map(String::from_utf8_lossy);
            let status = status.and_then(|status| status.parse().ok());
            status.ok_or_else(|| format!("no status: {}", head.escape_ascii()))
        };
        tokio::pin!(reading);
        tokio::select! {
            biased;
            status = &mut reading => return status,
            // That sending failed is no reason not to read what has come.
            _ = sending => {}
        }
        reading.await
    }

    async fn over_h2(self, stream: TcpStream, request: &Request) -> Result<u16, String> {
        let (sender, connection) = h2::client::handshake(stream)
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let mut sender = sender.ready().await.map_err(|error| error.to_string())?;
        let announced = request
            .clone()
            .header("content-length", self.size.to_string());
        let (response, mut body) = sender
            .send_request(super::h2::encode(&announced)?, false)
            .map_err(|error| error.to_string())?;
        let sending = async {
            let chunk = Bytes::from(vec![b'x'; self.chunk]);
            let mut left = self.size;
            while left > 0 {
                body.reserve_capacity(left.min(self.chunk));
                let room = std::future::poll_fn(|context| body.poll_capacity(context)).await;
                let Some(Ok(room)) = room else { return };
                let next = room.min(left).min(self.chunk);
                left -= next;
                if body.send_data(chunk.slice(..next), left == 0).is_err() {
                    return;
                }
                if !self.rest.is_zero() {
                    tokio::time::sleep(self.rest).await;
                }
            }
        };
        let reading = async {
            let response = response.await.map_err(|error| error.to_string())?;
            Ok(response.status().as_u16())
        };
        tokio::pin!(reading);
        tokio::select! {
            biased;
            status = &mut reading => return status,
            () = sending => {}
        }
        reading.await
    }
}
