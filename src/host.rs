//! Every call to the host.
//!
//! The SDK's own wrappers panic on a status that they do not expect, and some on bytes that are not
//! UTF-8. A panic in the module is a trap: it stops the filter on that worker, and by default Envoy then
//! answers 503 to every request. So the calls are declared here again: each status is an error value,
//! and each value is bytes. The ABI is proxy-wasm 0.2.1 (proxy-wasm-cpp-host, `exports.cc`).

use std::ptr::{null, null_mut};

use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, StreamType};
use tidegate_core::filter::{Header, LocalReply};
use tidegate_core::host::{HeaderMap, Host, HostError, MetricKind, MetricStore, SharedData};
use tidegate_core::http::headers::HeaderBlock;
use tidegate_core::time::Timestamp;

type Result<T> = std::result::Result<T, HostError>;

// Of WASI, the only call in use. Envoy provides it (proxy-wasm-cpp-host, `exports.h`).
#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

#[link(wasm_import_module = "env")]
extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_header_map_pairs(map: u32, data: *const u8, size: usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        data: *const u8,
        size: usize,
        version: u32,
    ) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

/// The status code `ParseFailure` of the ABI.
const PARSE_FAILURE: HostError = HostError::Status(4);

/// Tells Envoy to derive `grpc-status` from the HTTP status.
const NO_GRPC_STATUS: i32 = -1;

/// Converts a status of the ABI.
fn check(status: u32) -> Result<()> {
    match status {
        0 => Ok(()),
        1 => Err(HostError::NotFound),
        8 => Err(HostError::CasMismatch),
        other => Err(HostError::Status(other)),
    }
}

/// Runs a call that returns data, and takes ownership of the memory that the host allocated for it.
fn take(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>> {
    let mut data: *mut u8 = null_mut();
    let mut size: usize = 0;
    check(call(&mut data, &mut size))?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    if isize::try_from(size).is_err() {
        // No allocation is that large. The host is wrong, and its data is not touched.
        return Err(PARSE_FAILURE);
    }
    // SAFETY: the host allocates with the SDK's `malloc` (its `allocator.rs`), which returns a boxed
    // slice of exactly `size` bytes, and gives up the memory with this call.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Writes a line to Envoy's log. An error is ignored, because it could only be logged.
pub(crate) fn log(level: LogLevel, message: &str) {
    // SAFETY: pointer and size are those of a live string, which the host only reads.
    let _ = unsafe { proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// Returns the lowest level that Envoy writes.
pub(crate) fn log_level() -> Result<u32> {
    let mut level = 0;
    // SAFETY: the host writes one word to a live variable.
    check(unsafe { proxy_get_log_level(&mut level) })?;
    Ok(level)
}

/// Adds a header to a map.
pub(crate) fn add_header(map: HeaderMap, (name, value): &Header) -> Result<()> {
    let map = map_type(map) as u32;
    // SAFETY: the host only reads the live slices.
    check(unsafe {
        proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

/// Replaces all headers of a map.
pub(crate) fn set_headers(map: HeaderMap, headers: &HeaderBlock) -> Result<()> {
    let (map, encoded) = (map_type(map), headers.as_wire());
    // SAFETY: the host only reads the live slice.
    check(unsafe { proxy_set_header_map_pairs(map as u32, encoded.as_ptr(), encoded.len()) })
}

/// Returns the plugin's configuration, which has `size` bytes; empty if there is none.
pub(crate) fn configuration(size: usize) -> Result<Vec<u8>> {
    let buffer = BufferType::PluginConfiguration as u32;
    // SAFETY: `take` passes two live out-parameters.
    let bytes = take(|data, len| unsafe { proxy_get_buffer_bytes(buffer, 0, size, data, len) });
    match bytes {
        Err(HostError::NotFound) => Ok(Vec::new()),
        other => other,
    }
}

/// Replaces the current chunk of the response body, which has `size` bytes.
pub(crate) fn set_response_body(size: usize, bytes: &[u8]) -> Result<()> {
    let buffer = BufferType::HttpResponseBody as u32;
    // SAFETY: the host only reads the live slice.
    check(unsafe { proxy_set_buffer_bytes(buffer, 0, size, bytes.as_ptr(), bytes.len()) })
}

/// Resets the stream of the response that has begun, and with it the upstream's.
pub(crate) fn reset_response() -> Result<()> {
    // SAFETY: no pointer is passed.
    check(unsafe { proxy_close_stream(StreamType::HttpResponse as u32) })
}

/// Sets the period of the tick callback in milliseconds.
pub(crate) fn set_tick_period(ms: u32) -> Result<()> {
    // SAFETY: no pointer is passed.
    check(unsafe { proxy_set_tick_period_milliseconds(ms) })
}

/// Sends a response in place of the upstream's.
pub(crate) fn send_local_reply(reply: &LocalReply) -> Result<()> {
    let headers = reply.local_headers();
    let headers = headers.as_wire();
    let grpc_status = reply.grpc_status.and_then(|s| i32::try_from(s).ok());
    let body = match reply.body.as_slice() {
        [] => null(),
        body => body.as_ptr(),
    };
    // SAFETY: the host only reads the live slices; an empty body may be null.
    check(unsafe {
        proxy_send_local_response(
            u32::from(reply.status),
            reply.details.as_ptr(),
            reply.details.len(),
            body,
            reply.body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status.unwrap_or(NO_GRPC_STATUS),
        )
    })
}

/// Envoy, as the host of the core.
pub(crate) struct Envoy;

impl Host for Envoy {
    fn now(&mut self) -> Result<Timestamp> {
        let mut time = 0;
        // SAFETY: the host writes eight bytes to a live variable.
        check(unsafe { proxy_get_current_time_nanoseconds(&mut time) })?;
        Ok(Timestamp::from_nanos(time))
    }

    fn headers(&mut self, map: HeaderMap) -> Result<Vec<u8>> {
        let map = map_type(map) as u32;
        // SAFETY: `take` passes two live out-parameters.
        take(|data, size| unsafe { proxy_get_header_map_pairs(map, data, size) })
    }

    fn header(&mut self, map: HeaderMap, name: &str) -> Result<Vec<u8>> {
        let map = map_type(map) as u32;
        // SAFETY: the name is a live string, which the host only reads; `take` as above.
        take(|data, size| unsafe {
            proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, size)
        })
    }

    fn attribute(&mut self, path: &str) -> Result<Vec<u8>> {
        // SAFETY: the path is a live string, which the host only reads; `take` as above.
        take(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
    }

    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<()> {
        // Envoy makes filter state named `wasm.<name>` of a path with one segment.
        // SAFETY: the host only reads the live strings.
        let result = check(unsafe {
            proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len())
        });
        result.inspect_err(|error| log::debug!("tidegate: filter state cannot be set ({error})"))
    }

    fn random(&mut self) -> Result<[u8; 32]> {
        let mut bytes = [0; 32];
        // SAFETY: the host writes to the live array.
        match unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) } {
            0 => Ok(bytes),
            errno => Err(HostError::Status(errno)),
        }
    }

    fn log(&mut self, level: log::Level, line: &str) {
        log::log!(level, "{line}");
    }
}

impl SharedData for Envoy {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>> {
        let mut version = 0;
        // SAFETY: the key is a live string, which the host only reads; the host writes one word to
        // `version`; `take` passes two live out-parameters.
        let value = take(|data, size| unsafe {
            proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut version)
        });
        match value {
            Ok(value) => Ok(Some((value, version))),
            Err(HostError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn compare_and_swap(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<()> {
        // The ABI writes unconditionally if the version is 0.
        let version = version.unwrap_or(0);
        // SAFETY: the host only reads the live slices.
        check(unsafe {
            proxy_set_shared_data(
                key.as_ptr(),
                key.len(),
                value.as_ptr(),
                value.len(),
                version,
            )
        })
    }
}

impl MetricStore for Envoy {
    fn define_metric(&mut self, kind: MetricKind, name: &str) -> Result<u32> {
        let kind = match kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
        };
        let mut id = 0;
        // SAFETY: the name is a live string, which the host only reads; it writes one word to `id`.
        check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
        Ok(id)
    }

    fn increment_metric(&mut self, id: u32, by: u64) {
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        // SAFETY: no pointer is passed.
        log_metric_error(check(unsafe { proxy_increment_metric(id, by) }));
    }

    fn record_metric(&mut self, id: u32, value: u64) {
        // SAFETY: no pointer is passed.
        log_metric_error(check(unsafe { proxy_record_metric(id, value) }));
    }
}

fn log_metric_error(result: Result<()>) {
    if let Err(error) = result {
        log::debug!("tidegate: a metric cannot be written ({error})");
    }
}

fn map_type(map: HeaderMap) -> MapType {
    match map {
        HeaderMap::Request => MapType::HttpRequestHeaders,
        HeaderMap::Response => MapType::HttpResponseHeaders,
        HeaderMap::ResponseTrailers => MapType::HttpResponseTrailers,
    }
}
