//! A request from headers to deletion, callback by callback.

use crate::abi::Phase;
use crate::host::{Trap, Vm};
use crate::pairs::Headers;
use crate::property::{self, Property};
use crate::state::{LocalReply, Stream};

/// The context of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub(crate) u32);

/// The result of a headers callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadersResult {
    /// The headers after the callback.
    pub headers: Headers,
    /// The local reply that it sent instead.
    pub reply: Option<LocalReply>,
}

impl Vm {
    /// Creates the context of a request.
    ///
    /// # Errors
    /// If the module traps; also for all callbacks below.
    pub fn open(&mut self) -> Result<StreamId, Trap> {
        let id = self.next_id;
        self.next_id += 1;
        let state = self.store.data_mut();
        state.contexts.insert(id);
        state.streams.insert(id, Stream::new());
        self.call("proxy_on_context_create", Phase::Create, id, &[id, 1])?;
        Ok(StreamId(id))
    }

    pub(crate) fn stream(&mut self, id: StreamId) -> &mut Stream {
        self.store
            .data_mut()
            .streams
            .entry(id.0)
            .or_insert_with(Stream::new)
    }

    /// Sets a property of one stream.
    pub fn set_stream_property(&mut self, id: StreamId, name: &str, value: impl Into<Property>) {
        self.stream(id)
            .properties
            .insert(property::key(name), value.into());
    }

    /// Returns the filter state that the module set on a stream.
    pub fn filter_state(&mut self, id: StreamId) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.stream(id).filter_state.clone().into_iter().collect()
    }

    /// Runs a callback of a stream. A pause without a local reply is noted, because Envoy would wait for ever.
    fn on(
        &mut self,
        name: &'static str,
        phase: Phase,
        id: StreamId,
        args: &[u32],
    ) -> Result<(), Trap> {
        let stream = self.stream(id);
        stream.phase = stream.phase.max(phase);
        let replied = stream.reply.is_some();
        let mut params = vec![id.0];
        params.extend_from_slice(args);
        let action = self.call(name, phase, id.0, &params)?.unwrap_or(0);
        if action != 0 && self.stream(id).reply.is_some() == replied {
            let state = self.store.data_mut();
            state.phase = phase;
            state.misused(format!(
                "returned {action} without a local reply: the client waits for ever"
            ));
            state.phase = Phase::Idle;
        }
        Ok(())
    }

    /// Runs the callback of the request's headers.
    pub fn request_headers(
        &mut self,
        id: StreamId,
        headers: Headers,
        eos: bool,
    ) -> Result<HeadersResult, Trap> {
        let count = headers.len() as u32;
        self.stream(id).request_headers = headers;
        self.on(
            "proxy_on_request_headers",
            Phase::RequestHeaders,
            id,
            &[count, u32::from(eos)],
        )?;
        let stream = self.stream(id);
        stream.request_held = stream.reply.is_some();
        Ok(HeadersResult {
            headers: stream.request_headers.clone(),
            reply: stream.reply.clone(),
        })
    }

    /// Runs the callback of a chunk of the request's body. Returns the chunk that passes.
    pub fn request_body(&mut self, id: StreamId, chunk: &[u8], eos: bool) -> Result<Vec<u8>, Trap> {
        self.body("proxy_on_request_body", Phase::RequestBody, id, chunk, eos)
    }

    /// Runs the callback of the response's headers. A local reply replaces the response, as far as Envoy
    /// allows it.
    pub fn response_headers(
        &mut self,
        id: StreamId,
        headers: Headers,
        eos: bool,
    ) -> Result<HeadersResult, Trap> {
        let count = headers.len() as u32;
        let stream = self.stream(id);
        stream.response_headers = headers;
        let before = stream.reply.take();
        let result = self.on(
            "proxy_on_response_headers",
            Phase::ResponseHeaders,
            id,
            &[count, u32::from(eos)],
        );
        let stream = self.stream(id);
        let reply = stream.reply.take();
        stream.reply = reply.clone().or(before);
        let headers = stream.response_headers.clone();
        let status = stream.status();
        result?;
        if status.is_none() {
            self.store
                .data_mut()
                .misused("response headers without a status");
        }
        Ok(HeadersResult { headers, reply })
    }

    /// Runs the callback of a chunk of the response's body. Returns the chunk that passes.
    pub fn response_body(
        &mut self,
        id: StreamId,
        chunk: &[u8],
        eos: bool,
    ) -> Result<Vec<u8>, Trap> {
        self.body(
            "proxy_on_response_body",
            Phase::ResponseBody,
            id,
            chunk,
            eos,
        )
    }

    fn body(
        &mut self,
        name: &'static str,
        phase: Phase,
        id: StreamId,
        chunk: &[u8],
        eos: bool,
    ) -> Result<Vec<u8>, Trap> {
        self.stream(id).body = chunk.to_vec();
        self.on(name, phase, id, &[chunk.len() as u32, u32::from(eos)])?;
        Ok(std::mem::take(&mut self.stream(id).body))
    }

    /// Runs the callback of the request's trailers. Returns the trailers that pass.
    pub fn request_trailers(&mut self, id: StreamId, trailers: Headers) -> Result<Headers, Trap> {
        let count = trailers.len() as u32;
        self.stream(id).request_trailers = trailers;
        self.on(
            "proxy_on_request_trailers",
            Phase::RequestTrailers,
            id,
            &[count],
        )?;
        Ok(self.stream(id).request_trailers.clone())
    }

    /// Runs the callback of the response's trailers. Returns the trailers that pass.
    pub fn response_trailers(&mut self, id: StreamId, trailers: Headers) -> Result<Headers, Trap> {
        let count = trailers.len() as u32;
        self.stream(id).response_trailers = trailers;
        self.on(
            "proxy_on_response_trailers",
            Phase::ResponseTrailers,
            id,
            &[count],
        )?;
        Ok(self.stream(id).response_trailers.clone())
    }

    /// Runs the callback of the access log.
    pub fn log(&mut self, id: StreamId) -> Result<(), Trap> {
        self.call("proxy_on_log", Phase::Log, id.0, &[id.0])?;
        Ok(())
    }

    /// Runs the callback of the end of the stream.
    pub fn done(&mut self, id: StreamId) -> Result<(), Trap> {
        self.call("proxy_on_done", Phase::Done, id.0, &[id.0])?;
        Ok(())
    }

    /// Deletes the context, which must not be used afterwards.
    pub fn delete(&mut self, id: StreamId) -> Result<(), Trap> {
        self.call("proxy_on_delete", Phase::Done, id.0, &[id.0])?;
        let state = self.store.data_mut();
        state.streams.remove(&id.0);
        state.contexts.remove(&id.0);
        Ok(())
    }

    /// Ends a stream in Envoy's order: log, done, delete.
    pub fn finish(&mut self, id: StreamId) -> Result<(), Trap> {
        self.log(id)?;
        self.done(id)?;
        self.delete(id)
    }
}
