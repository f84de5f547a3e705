//! The HTTP/1.1 side of the upstream, of our own: no library sends malformed, cut or trickling
//! responses.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{reset_on_close, Answer, Behaviour, Body, Script, CHOICE, PIECE};

/// Time in which the rest of a request is dropped after an early answer.
const LINGERS: Duration = Duration::from_secs(5);

/// A longer request head is a mistake in the test.
const MAX_HEAD: usize = 64 * 1024;

pub(super) async fn serve(mut stream: TcpStream, script: &Arc<Script>) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read_head(&mut stream, &mut buffer).await? {
        let (behaviour, _going) = script.behaviour(&request.path, request.choice.as_deref());
        if !matches!(behaviour, Behaviour::Early(_) | Behaviour::GiveUp(_)) {
            skip_body(&mut stream, &mut buffer, &request.framing).await?;
        }
        match behaviour {
            Behaviour::Answer(answer) => {
                send(&mut stream, &answer, request.method == "HEAD").await?;
                if answer.cut && request.method != "HEAD" {
                    reset_on_close(&stream);
                    return Ok(());
                }
                if matches!(answer.body, Body::UntilClose(_) | Body::Short(..)) {
                    return Ok(());
                }
            }
            Behaviour::Stuck(answer) => {
                send(&mut stream, &answer, request.method == "HEAD").await?;
                return until_closed(&mut stream).await;
            }
            Behaviour::Endless(answer) => return send_for_ever(&mut stream, &answer).await,
            Behaviour::Garbage(bytes) => return stream.write_all(&bytes).await,
            Behaviour::Close => return Ok(()),
            Behaviour::Reset => {
                reset_on_close(&stream);
                return Ok(());
            }
            Behaviour::Early(answer) => {
                send(&mut stream, &answer, false).await?;
                if !answer.cut {
                    stream.shutdown().await?;
                    let lingering = until_closed(&mut stream);
                    let _ = tokio::time::timeout(LINGERS, lingering).await;
                }
                return Ok(());
            }
            Behaviour::GiveUp(after) => {
                tokio::select! {
                    () = tokio::time::sleep(after) => return Ok(()),
                    ended = until_closed(&mut stream) => return ended,
                }
            }
            Behaviour::Capacity { .. } => unreachable!("the script makes it an answer"),
            Behaviour::Hang => return until_closed(&mut stream).await,
            Behaviour::Upgrade => {
                let head = "HTTP/1.1 101 Switching Protocols\r\n\
                            connection: upgrade\r\nupgrade: websocket\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&buffer).await?;
                let (mut from, mut to) = stream.split();
                return tokio::io::copy(&mut from, &mut to).await.map(drop);
            }
        }
    }
    Ok(())
}

struct Request {
    method: String,
    path: String,
    choice: Option<String>,
    framing: Framing,
}

/// How long the body of a request is.
enum Framing {
    Length(usize),
    Chunked,
}

/// Reads the head of the next request. Returns `None` at the end of the connection, and after it
/// has answered something that is not HTTP.
async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let mut searched = 0;
    let head_end = loop {
        if let Some(at) = find(&buffer[searched..], b"\r\n\r\n") {
            break searched + at + 4;
        }
        // The end may have come in part.
        searched = buffer.len().saturating_sub(3);
        // No HTTP request begins like this; it is most likely TLS. Servers answer like this and
        // close.
        if buffer
            .first()
            .is_some_and(|byte| !byte.is_ascii_uppercase())
            || buffer.len() > MAX_HEAD
        {
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
                .await?;
            return Ok(None);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head: Vec<u8> = buffer.drain(..head_end).collect();
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let field = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length = field("content-length").and_then(|value| value.parse().ok());
    let is_chunked = field("transfer-encoding").is_some() && field("upgrade").is_none();
    Ok(Some(Request {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        choice: field(CHOICE),
        framing: match length {
            None if is_chunked => Framing::Chunked,
            _ => Framing::Length(length.unwrap_or_default()),
        },
    }))
}

async fn skip_body(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    framing: &Framing,
) -> io::Result<()> {
    match framing {
        Framing::Length(length) => {
            fill(stream, buffer, *length).await?;
            buffer.drain(..*length);
            Ok(())
        }
        Framing::Chunked => skip_chunks(stream, buffer).await,
    }
}

async fn skip_chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line_end = loop {
            if let Some(at) = find(buffer, b"\r\n") {
                break at;
            }
            fill(stream, buffer, buffer.len() + 1).await?;
        };
        let size = String::from_utf8_lossy(&buffer[..line_end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let chunk_end = line_end + 2 + size + 2;
        fill(stream, buffer, chunk_end).await?;
        buffer.drain(..chunk_end);
        if size == 0 {
            return Ok(());
        }
    }
}

/// Reads until the buffer has at least `length` bytes.
async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> io::Result<()> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Returns the status line and the header fields, without any that announce a body.
fn encode_head(answer: &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", answer.status).into_bytes();
    for (name, value) in &answer.headers.0 {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head
}

/// Sends a body that never ends, until the connection does.
async fn send_for_ever(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut head = encode_head(answer);
    let has_length = answer.headers.has("content-length");
    if !has_length {
        head.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await?;
    let chunk = [format!("{:x}\r\n", PIECE.len()).as_bytes(), &PIECE, b"\r\n"].concat();
    loop {
        stream
            .write_all(if has_length { &PIECE } else { &chunk })
            .await?;
    }
}

async fn send(stream: &mut TcpStream, answer: &Answer, head_only: bool) -> io::Result<()> {
    tokio::time::sleep(answer.delay).await;
    let mut head = encode_head(answer);
    let framing = match &answer.body {
        Body::None => "content-length: 0\r\n".to_owned(),
        Body::Whole(body) => format!("content-length: {}\r\n", body.len()),
        Body::Short(body, missing) => format!("content-length: {}\r\n", body.len() + missing),
        Body::Chunks(..) => "transfer-encoding: chunked\r\n".to_owned(),
        Body::UntilClose(_) => "connection: close\r\n".to_owned(),
    };
    head.extend_from_slice(framing.as_bytes());
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await?;
    if head_only {
        return Ok(());
    }
    match &answer.body {
        Body::None => Ok(()),
        Body::Whole(body) | Body::UntilClose(body) | Body::Short(body, _) => {
            stream.write_all(body).await?;
            if answer.cut {
                // Headers and body must be sent before the reset discards what is left.
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            Ok(())
        }
        Body::Chunks(chunks, pause) => {
            for chunk in chunks {
                tokio::time::sleep(*pause).await;
                stream
                    .write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
                    .await?;
                stream.write_all(chunk).await?;
                stream.write_all(b"\r\n").await?;
            }
            if answer.cut {
                tokio::time::sleep(Duration::from_millis(30)).await;
                return Ok(());
            }
            let mut end = b"0\r\n".to_vec();
            for (name, value) in &answer.trailers.0 {
                end.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
            }
            end.extend_from_slice(b"\r\n");
            stream.write_all(&end).await
        }
    }
}

async fn until_closed(stream: &mut TcpStream) -> io::Result<()> {
    let mut rest = [0_u8; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
