//! The host's state of a VM and its streams.

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::{Memory, TypedFunc};

use crate::abi::{MapType, Phase};
use crate::count::Counts;
use crate::fault::Faults;
use crate::pairs::{first, Headers};
use crate::property::Property;
use crate::world::World;

/// A line that the module logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// 0 trace, 1 debug, 2 info, 3 warn, 4 error, 5 critical.
    pub level: u32,
    /// The message; bytes that are not UTF-8 are replaced.
    pub message: String,
}

/// The arguments of `send_local_response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status.
    pub status: u32,
    /// Response code details, as given.
    pub details: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// The additional headers.
    pub headers: Headers,
    /// The gRPC status; -1 for none.
    pub grpc_status: i32,
}

/// One request of the VM.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    /// The last callback reached.
    pub(crate) phase: Phase,
    pub(crate) request_headers: Headers,
    /// Whether a local reply of the module stopped the request. Envoy then keeps the headers readable.
    pub(crate) request_held: bool,
    pub(crate) request_trailers: Headers,
    pub(crate) response_headers: Headers,
    pub(crate) response_trailers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) reply: Option<LocalReply>,
    pub(crate) details: Vec<u8>,
    pub(crate) flags: i64,
    pub(crate) upstream: bool,
    pub(crate) route: Vec<u8>,
    pub(crate) cluster: Vec<u8>,
    pub(crate) properties: BTreeMap<Vec<u8>, Property>,
    pub(crate) filter_state: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Stream {
    pub(crate) fn new() -> Stream {
        Stream {
            phase: Phase::Create,
            request_headers: Vec::new(),
            request_held: false,
            request_trailers: Vec::new(),
            response_headers: Vec::new(),
            response_trailers: Vec::new(),
            body: Vec::new(),
            reply: None,
            details: Vec::new(),
            flags: 0,
            upstream: false,
            route: b"test-route".to_vec(),
            cluster: b"test-cluster".to_vec(),
            properties: BTreeMap::new(),
            filter_state: BTreeMap::new(),
        }
    }

    /// Returns the status of the response headers.
    pub(crate) fn status(&self) -> Option<u16> {
        let text = first(&self.response_headers, b":status")?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

/// The data of the wasmtime store.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) memory: Option<Memory>,
    pub(crate) malloc: Option<TypedFunc<u32, u32>>,
    pub(crate) streams: BTreeMap<u32, Stream>,
    /// All contexts, with the root context.
    pub(crate) contexts: BTreeSet<u32>,
    /// The context of the running callback.
    pub(crate) active: u32,
    pub(crate) phase: Phase,
    /// Whether the module's `malloc` is running, which may only log.
    pub(crate) allocating: bool,
    pub(crate) config: Vec<u8>,
    pub(crate) now_ns: u64,
    pub(crate) tick_ms: Option<u32>,
    pub(crate) properties: BTreeMap<Vec<u8>, Property>,
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    pub(crate) log: Vec<LogLine>,
    pub(crate) misuse: Vec<String>,
}

/// 2026-01-02T03:04:05Z.
const SOME_DAY_NS: u64 = 1_767_323_045_000_000_000;

impl State {
    pub(crate) fn new(world: World) -> State {
        State {
            world,
            memory: None,
            malloc: None,
            streams: BTreeMap::new(),
            contexts: BTreeSet::new(),
            active: 0,
            phase: Phase::Idle,
            allocating: false,
            config: Vec::new(),
            now_ns: SOME_DAY_NS,
            tick_ms: None,
            properties: BTreeMap::new(),
            faults: Faults::none(),
            counts: Counts::default(),
            log: Vec::new(),
            misuse: Vec::new(),
        }
    }

    /// Returns the stream of the running callback.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        self.streams.get(&self.active)
    }

    /// Returns a map if Envoy lets the running callback read it: each map in its own callback, all maps
    /// when logging. The request headers are no longer readable after the request has passed.
    pub(crate) fn readable(&self, map: MapType) -> Option<&Headers> {
        let stream = self.stream()?;
        let logging = self.phase == Phase::Log;
        let (headers, here) = match map {
            MapType::RequestHeaders => (
                &stream.request_headers,
                self.phase == Phase::RequestHeaders || stream.request_held,
            ),
            MapType::RequestTrailers => (
                &stream.request_trailers,
                self.phase == Phase::RequestTrailers,
            ),
            MapType::ResponseHeaders => (
                &stream.response_headers,
                self.phase == Phase::ResponseHeaders,
            ),
            MapType::ResponseTrailers => (
                &stream.response_trailers,
                self.phase == Phase::ResponseTrailers,
            ),
        };
        (here || logging).then_some(headers)
    }

    /// Returns a map if the running callback may change it.
    pub(crate) fn writable(&mut self, map: MapType) -> Option<&mut Headers> {
        if self.phase == Phase::Log || self.readable(map).is_none() {
            return None;
        }
        let stream = self.streams.get_mut(&self.active)?;
        Some(match map {
            MapType::RequestHeaders => &mut stream.request_headers,
            MapType::RequestTrailers => &mut stream.request_trailers,
            MapType::ResponseHeaders => &mut stream.response_headers,
            MapType::ResponseTrailers => &mut stream.response_trailers,
        })
    }

    /// Notes a call that Envoy would not tolerate, although it returns success.
    pub(crate) fn misused(&mut self, what: impl Into<String>) {
        self.misuse
            .push(format!("{:?}: {}", self.phase, what.into()));
    }
}
