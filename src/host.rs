//! Every call to the host, and nothing else.
//!
//! The SDK's own wrappers panic on a status that they do not expect, and some of its convenience
//! methods on bytes that are no UTF-8. A panic in the module is a trap: it kills the filter on that
//! worker, and Envoy's default then answers 503 to everybody. So the calls are declared here again,
//! with each status an error value and each value bytes. ABI: proxy-wasm 0.2.1
//! (proxy-wasm-cpp-host, `exports.cc`).

use std::ptr::{null, null_mut};

/// Header maps of the ABI.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MapType {
    RequestHeaders = 0,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
}

/// Buffers of the ABI.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BufferType {
    ResponseBody = 1,
    PluginConfiguration = 7,
}

/// Kinds of metrics of the ABI.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MetricType {
    Counter = 0,
    Gauge = 1,
}

/// Levels of Envoy's log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LogLevel {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

/// A status of the host other than "ok".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostError(pub(crate) u32);

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "host status {}", self.0)
    }
}

impl HostError {
    /// What was asked for is not there: no fault of anybody.
    pub(crate) const NOT_FOUND: Self = Self(1);
    /// Another worker was faster (`CasMismatch` of the ABI).
    pub(crate) const CHANGED: Self = Self(8);
    /// What the host handed over makes no sense (`ParseFailure` of the ABI).
    const PARSE_FAILURE: Self = Self(4);
}

type Result<T> = std::result::Result<T, HostError>;

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
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        number: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        data: *const u8,
        size: usize,
        number: u32,
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

/// Envoy takes this for "no gRPC status of ours; make one from the HTTP status".
const NO_GRPC_STATUS: i32 = -1;

fn check(status: u32) -> Result<()> {
    match status {
        0 => Ok(()),
        other => Err(HostError(other)),
    }
}

/// Runs a call that returns data, and takes over what the host allocated by `malloc` in our
/// memory.
fn take(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>> {
    let mut data: *mut u8 = null_mut();
    let mut size: usize = 0;
    check(call(&mut data, &mut size))?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    if isize::try_from(size).is_err() {
        // No allocation is that large: the host lies, and what it left there is not touched.
        return Err(HostError::PARSE_FAILURE);
    }
    // SAFETY: the host allocates with the SDK's `malloc` (its `allocator.rs`), which
    // hands out a boxed slice of exactly `size` bytes, and it gives the memory away with the call.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Writes a line to Envoy's log. A host that cannot log cannot be told so either.
pub(crate) fn log(level: LogLevel, message: &str) {
    // SAFETY: pointer and size are those of a live string, which the host only reads.
    let _ = unsafe { proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// The level from which Envoy drops nothing of the filter's log.
pub(crate) fn log_level() -> Result<u32> {
    let mut level = 0;
    // SAFETY: the host writes one word to a live variable.
    check(unsafe { proxy_get_log_level(&mut level) })?;
    Ok(level)
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_ns() -> Result<u64> {
    let mut time = 0;
    // SAFETY: the host writes eight bytes to a live variable.
    check(unsafe { proxy_get_current_time_nanoseconds(&mut time) })?;
    Ok(time)
}

/// All headers of a map, in the encoding of `tidegate_core::headers`.
pub(crate) fn headers(map: MapType) -> Result<Vec<u8>> {
    // SAFETY: `take` gives two live out-parameters.
    take(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) })
}

/// The first value of a header.
pub(crate) fn header(map: MapType, name: &str) -> Result<Vec<u8>> {
    // SAFETY: the name is a live string, which the host only reads; `take` as above.
    take(|data, size| unsafe {
        proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, size)
    })
}

/// Replaces all headers of a map.
pub(crate) fn set_headers(map: MapType, encoded: &[u8]) -> Result<()> {
    // SAFETY: the host only reads the live slice.
    check(unsafe { proxy_set_header_map_pairs(map as u32, encoded.as_ptr(), encoded.len()) })
}

/// Bytes of a buffer, from its start.
pub(crate) fn buffer(buffer: BufferType, max_size: usize) -> Result<Vec<u8>> {
    // SAFETY: `take` gives two live out-parameters.
    take(|data, size| unsafe { proxy_get_buffer_bytes(buffer as u32, 0, max_size, data, size) })
}

/// Replaces the first `size` bytes of a buffer.
pub(crate) fn set_buffer(buffer: BufferType, size: usize, bytes: &[u8]) -> Result<()> {
    // SAFETY: the host only reads the live slice.
    check(unsafe { proxy_set_buffer_bytes(buffer as u32, 0, size, bytes.as_ptr(), bytes.len()) })
}

/// Has the tick called every so many milliseconds.
pub(crate) fn set_tick_period(ms: u32) -> Result<()> {
    // SAFETY: nothing is passed by address.
    check(unsafe { proxy_set_tick_period_milliseconds(ms) })
}

/// The number of the metric of this name, which is made where there is none.
pub(crate) fn define_metric(kind: MetricType, name: &str) -> Result<u32> {
    let mut id = 0;
    // SAFETY: the name is a live string, which the host only reads; it writes one word to `id`.
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Adds to a counter.
pub(crate) fn increment_metric(id: u32, by: u64) -> Result<()> {
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    // SAFETY: nothing is passed by address.
    check(unsafe { proxy_increment_metric(id, by) })
}

/// Sets a gauge.
pub(crate) fn record_metric(id: u32, value: u64) -> Result<()> {
    // SAFETY: nothing is passed by address.
    check(unsafe { proxy_record_metric(id, value) })
}

/// A value that all workers share, and its number, which changes with each write.
pub(crate) fn shared_data(key: &str) -> Result<(Vec<u8>, u32)> {
    let mut number = 0;
    // SAFETY: the key is a live string, which the host only reads; the host writes one word to
    // `number`; `take` gives two live out-parameters.
    let value = take(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut number)
    })?;
    Ok((value, number))
}

/// Writes a value that all workers share, if its number still is `number`; 0: in any case.
pub(crate) fn set_shared_data(key: &str, value: &[u8], number: u32) -> Result<()> {
    // SAFETY: the host only reads the live slices.
    check(unsafe {
        proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), number)
    })
}

/// A property, by its path: segments joined by NUL.
pub(crate) fn property(path: &str) -> Result<Vec<u8>> {
    // SAFETY: the path is a live string, which the host only reads; `take` as above.
    take(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Sets a property of the stream. Of a path with one segment Envoy makes filter state of that name,
/// with `wasm.` before it.
pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<()> {
    // SAFETY: the host only reads the live slices.
    check(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// A property that is a 64-bit integer of the host (little-endian on every machine Envoy runs on).
pub(crate) fn property_u64(path: &str) -> Result<u64> {
    let bytes = property(path)?;
    let word = bytes.first_chunk::<8>().ok_or(HostError::NOT_FOUND)?;
    Ok(u64::from_le_bytes(*word))
}

/// Answers in the place of the upstream. `headers` in the encoding of `tidegate_core::headers`.
pub(crate) fn send_local_response(
    status: u16,
    details: &[u8],
    body: &[u8],
    headers: &[u8],
    grpc_status: Option<u32>,
) -> Result<()> {
    let grpc_status = grpc_status
        .and_then(|s| i32::try_from(s).ok())
        .unwrap_or(NO_GRPC_STATUS);
    let (body_ptr, body_size) = if body.is_empty() {
        (null(), 0)
    } else {
        (body.as_ptr(), body.len())
    };
    // SAFETY: the host only reads the live slices; an empty body may be null.
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body_ptr,
            body_size,
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}
