//! Properties (`get_property`), as Envoy 1.36 to 1.40 return them in each callback.

use crate::abi::{status, MapType, Phase};
use crate::pairs::first;
use crate::state::{State, Stream};

/// A property that a test sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// The bytes that the call returns: text as it is, integers by [`int`].
    Value(Vec<u8>),
    /// The call fails with this status. For example, `xds.upstream_host_metadata` of a host without
    /// metadata fails with 3.
    Fails(u32),
}

impl From<&str> for Property {
    fn from(text: &str) -> Property {
        Property::Value(text.as_bytes().to_vec())
    }
}

/// Returns an integer as Envoy serializes it: eight bytes, little-endian.
pub fn int(value: i64) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

/// Converts a dotted name to the ABI's path: segments separated by NUL.
pub(crate) fn key(dotted: &str) -> Vec<u8> {
    dotted
        .bytes()
        .map(|b| if b == b'.' { 0 } else { b })
        .collect()
}

/// Returns the value of a path, or the status that the call returns.
pub(crate) fn lookup(state: &State, path: &[u8]) -> Result<Vec<u8>, u32> {
    let stream = state.stream();
    let set = stream
        .and_then(|s| s.properties.get(path))
        .or_else(|| state.properties.get(path));
    match set {
        Some(Property::Value(value)) => return Ok(value.clone()),
        Some(Property::Fails(status)) => return Err(*status),
        None => {}
    }
    if let Some(value) = stream.and_then(|s| s.filter_state.get(path)) {
        return Ok(value.clone());
    }
    let segments: Vec<&[u8]> = path.split(|b| *b == 0).collect();
    plugin(state, &segments)
        .or_else(|| stream.and_then(|s| of_stream(state, s, &segments)))
        .unwrap_or(Err(status::NOT_FOUND))
}

fn plugin(state: &State, path: &[&[u8]]) -> Option<Result<Vec<u8>, u32>> {
    Some(Ok(match path {
        [b"plugin_name"] => b"tidegate".to_vec(),
        [b"plugin_root_id"] | [b"plugin_vm_id"] => Vec::new(),
        [b"xds", b"node", b"id"] => b"test-node".to_vec(),
        [b"xds", b"listener_direction"] => int(2),
        [b"request", b"time"] if state.phase != Phase::Configure => int(state.now_ns as i64),
        _ => return None,
    }))
}

fn of_stream(state: &State, stream: &Stream, path: &[&[u8]]) -> Option<Result<Vec<u8>, u32>> {
    let request = state.readable(MapType::RequestHeaders);
    let response = state.readable(MapType::ResponseHeaders);
    let answered = stream.phase >= Phase::ResponseHeaders;
    let logging = state.phase == Phase::Log;
    let header = |name: &[u8]| request.and_then(|map| first(map, name)).map(<[u8]>::to_vec);
    let is_grpc_status = response.is_some_and(|map| first(map, b"grpc-status").is_some());
    let value = match path {
        [b"connection_id"] | [b"connection", b"id"] => Some(int(1)),
        [b"request", b"protocol"] => Some(b"HTTP/1.1".to_vec()),
        [b"request", b"path"] => header(b":path"),
        [b"request", b"host"] => header(b":authority"),
        [b"request", b"method"] => header(b":method"),
        [b"request", b"scheme"] => header(b":scheme"),
        [b"request", b"id"] => header(b"x-request-id"),
        [b"request", b"headers", name] => header(name),
        [b"request", b"duration"] if logging => Some(int(1_000_000)),
        [b"response", b"headers", name] => response
            .and_then(|map| first(map, name))
            .map(<[u8]>::to_vec),
        [b"response", b"flags"] => Some(int(stream.flags)),
        // Envoy notes the status of its reply before it makes it a `grpc-status`; here all are 503.
        [b"response", b"code"] if answered && !stream.upstream && is_grpc_status => Some(int(503)),
        [b"response", b"code"] if answered => stream.status().map(|s| int(i64::from(s))),
        [b"response", b"code_details"] if answered => Some(stream.details.clone()),
        [b"upstream", b"address"] if stream.upstream => Some(b"127.0.0.1:8080".to_vec()),
        [b"upstream", b"port"] if stream.upstream => Some(int(8080)),
        [b"upstream", b"request_attempt_count"] => Some(int(i64::from(stream.upstream))),
        [b"xds", b"route_name"] => Some(stream.route.clone()),
        [b"xds", b"virtual_host_name"] => Some(b"test".to_vec()),
        [b"xds", b"cluster_name"] => Some(stream.cluster.clone()),
        // A host without metadata cannot be serialized (seen on Envoy 1.40).
        [b"xds", b"upstream_host_metadata", ..] if stream.upstream => {
            return Some(Err(status::SERIALIZATION_FAILURE));
        }
        _ => None,
    };
    value.map(Ok)
}
