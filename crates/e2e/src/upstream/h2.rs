//! The HTTP/2 side of the upstream, for gRPC, trailers, and streams that are reset.

use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Ping, PingPong, Reason, RecvStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::{Answer, Behaviour, Body, Script, CHOICE, PIECE};
use crate::message::Headers;

pub(super) async fn serve(stream: TcpStream, script: &Arc<Script>) -> std::io::Result<()> {
    // Upgrades arrive as extended CONNECT, which must be allowed before it can be refused.
    let mut builder = h2::server::Builder::new();
    // A proxy with one connection resets many streams at once if its clients leave: no attack.
    let builder = builder
        .max_pending_accept_reset_streams(10_000)
        .max_local_error_reset_streams(None);
    let handshake = builder.enable_connect_protocol().handshake(stream);
    let mut connection = handshake.await.map_err(std::io::Error::other)?;
    let pings = connection.ping_pong().expect("pings are taken once");
    let pings = Arc::new(Mutex::new(pings));
    let mut streams = JoinSet::new();
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted.map_err(std::io::Error::other)?;
        let choice = request.headers().get(CHOICE);
        let choice = choice.and_then(|name| name.to_str().ok());
        let pings = pings.clone();
        match script.behaviour(request.uri().path(), choice) {
            (Behaviour::Close, _) => return Ok(()),
            (behaviour, going) => streams.spawn(async move {
                let _going = going;
                answer(behaviour, request, respond, &pings).await
            }),
        };
    }
    Ok(())
}

async fn answer(
    behaviour: Behaviour,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    pings: &Mutex<PingPong>,
) -> Result<(), h2::Error> {
    let head_only = request.method() == http::Method::HEAD;
    let is_tunnel = request.method() == http::Method::CONNECT;
    let mut body = request.into_body();
    let is_early = matches!(behaviour, Behaviour::Early(_) | Behaviour::GiveUp(_));
    // The client's side of a tunnel ends when the client disconnects.
    if !is_tunnel && !is_early {
        while let Some(data) = body.data().await {
            let _ = body.flow_control().release_capacity(data?.len());
        }
    }
    match behaviour {
        Behaviour::Answer(answer) => send(&answer, head_only, respond, pings).await,
        Behaviour::Endless(answer) => send_for_ever(&answer, respond).await,
        // The library resets the stream with NO_ERROR when the unread body is dropped.
        Behaviour::Early(answer) => send(&answer, head_only, respond, pings).await,
        Behaviour::GiveUp(after) => {
            tokio::time::sleep(after).await;
            respond.send_reset(Reason::INTERNAL_ERROR);
            Ok(())
        }
        Behaviour::Capacity { .. } => unreachable!("the script makes it an answer"),
        Behaviour::Hang | Behaviour::Stuck(_) => {
            // Until the client resets the stream or closes the connection.
            std::future::poll_fn(|context| respond.poll_reset(context))
                .await
                .map(drop)
        }
        Behaviour::Reset | Behaviour::Garbage(_) | Behaviour::Upgrade | Behaviour::Close => {
            respond.send_reset(Reason::INTERNAL_ERROR);
            Ok(())
        }
    }
}

/// Returns the headers of a response.
fn head_of(answer: &Answer) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(answer.status).expect("a status code");
    *response.headers_mut() = header_map(&answer.headers);
    response
}

/// Sends a body that never ends, until the stream does.
async fn send_for_ever(answer: &Answer, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut stream = respond.send_response(head_of(answer), false)?;
    loop {
        stream.reserve_capacity(PIECE.len());
        match std::future::poll_fn(|context| stream.poll_capacity(context)).await {
            Some(capacity) => {
                let piece = &PIECE[..capacity?.min(PIECE.len())];
                stream.send_data(Bytes::copy_from_slice(piece), false)?;
            }
            None => return Ok(()),
        }
    }
}

async fn send(
    answer: &Answer,
    head_only: bool,
    mut respond: SendResponse<Bytes>,
    pings: &Mutex<PingPong>,
) -> Result<(), h2::Error> {
    tokio::time::sleep(answer.delay).await;
    let mut response = head_of(answer);
    let (chunks, pause) = match &answer.body {
        Body::None => (vec![], std::time::Duration::ZERO),
        Body::Whole(body) | Body::UntilClose(body) | Body::Short(body, _) => {
            let missing = if let Body::Short(_, missing) = answer.body {
                missing
            } else {
                0
            };
            response
                .headers_mut()
                .insert("content-length", (body.len() + missing).into());
            (vec![body.clone()], std::time::Duration::ZERO)
        }
        Body::Chunks(chunks, pause) => (chunks.clone(), *pause),
    };
    let has_trailers = !answer.trailers.0.is_empty();
    let ends = head_only || (matches!(answer.body, Body::None) && !has_trailers && !answer.cut);
    let mut stream = respond.send_response(response, ends)?;
    if ends {
        return Ok(());
    }
    for chunk in chunks {
        tokio::time::sleep(pause).await;
        stream.send_data(chunk.into(), false)?;
    }
    if answer.cut {
        // The library drops queued frames when it resets a stream. It sends a ping together with what is
        // queued, and the proxy answers what it has read.
        pings.lock().await.ping(Ping::opaque()).await?;
        stream.send_reset(Reason::INTERNAL_ERROR);
    } else if has_trailers {
        stream.send_trailers(header_map(&answer.trailers))?;
    } else {
        stream.send_data(Bytes::new(), true)?;
    }
    Ok(())
}

fn header_map(headers: &Headers) -> HeaderMap {
    let pairs = headers.0.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the name of a header");
        (
            name,
            HeaderValue::from_bytes(value).expect("the value of a header"),
        )
    });
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name, value);
    }
    map
}
