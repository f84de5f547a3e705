//! The host calls, implemented as in the C++ host and Envoy.

use wasmtime::{Caller, Error, Linker};

use crate::abi::{status, Call, MapType, Phase};
use crate::guest::{Guest, Stop};
use crate::pairs::{first, pairs_from_bytes, pairs_to_bytes, Headers};
use crate::property;
use crate::state::{LocalReply, LogLine, State};

type Outcome = Result<(), Stop>;

const PLUGIN_CONFIGURATION: u32 = 7;
const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;

/// The most log lines kept of a VM, so that long runs stay bounded.
const MAX_LOG_LINES: usize = 10_000;

macro_rules! define {
    ($linker:ident: $( $call:ident => $function:ident ( $($arg:ident: $ty:ty),* ); )+) => {
        $(
            $linker.func_wrap(
                "env",
                Call::$call.name(),
                |caller: Caller<'_, State>, $($arg: $ty),*| -> Result<u32, Error> {
                    Guest::run(caller, Call::$call, |guest| $function(guest, $($arg),*))
                },
            )?;
        )+
    };
}

/// Defines every call of [`Call::ALL`].
pub(crate) fn define(linker: &mut Linker<State>) -> Result<(), Error> {
    define! { linker:
        Log => log(level: u32, ptr: u32, size: u32);
        GetLogLevel => get_log_level(out: u32);
        GetCurrentTime => get_current_time(out: u32);
        SetTickPeriod => set_tick_period(ms: u32);
        GetBufferBytes => get_buffer(kind: u32, start: u32, max: u32, ptr: u32, size: u32);
        SetBufferBytes => set_buffer(kind: u32, start: u32, len: u32, ptr: u32, size: u32);
        GetHeaderMapPairs => get_pairs(map: u32, ptr: u32, size: u32);
        SetHeaderMapPairs => set_pairs(map: u32, ptr: u32, size: u32);
        GetHeaderMapValue => get_value(map: u32, key: u32, key_size: u32, ptr: u32, size: u32);
        ReplaceHeaderMapValue => replace_value(map: u32, k: u32, ks: u32, v: u32, vs: u32);
        AddHeaderMapValue => add_value(map: u32, k: u32, ks: u32, v: u32, vs: u32);
        RemoveHeaderMapValue => remove_value(map: u32, key: u32, key_size: u32);
        GetProperty => get_property(path: u32, path_size: u32, ptr: u32, size: u32);
        SetProperty => set_property(path: u32, path_size: u32, ptr: u32, size: u32);
        GetSharedData => get_shared(key: u32, key_size: u32, ptr: u32, size: u32, cas: u32);
        SetSharedData => set_shared(key: u32, key_size: u32, ptr: u32, size: u32, cas: u32);
        SendLocalResponse => send_local_response(
            status: u32, details: u32, details_size: u32, body: u32, body_size: u32,
            headers: u32, headers_size: u32, grpc_status: i32
        );
        ContinueStream => continue_stream(kind: u32);
        CloseStream => close_stream(kind: u32);
        DefineMetric => define_metric(kind: u32, name: u32, name_size: u32, out: u32);
        GetMetric => get_metric(id: u32, out: u32);
        RecordMetric => record_metric(id: u32, value: u64);
        IncrementMetric => increment_metric(id: u32, offset: i64);
        Done => done();
        SetEffectiveContext => set_effective_context(id: u32);
    }
    linker.func_wrap(
        "wasi_snapshot_preview1",
        Call::RandomGet.name(),
        |caller: Caller<'_, State>, ptr: u32, size: u32| -> Result<u32, Error> {
            Guest::run(caller, Call::RandomGet, |guest| random(guest, ptr, size))
        },
    )?;
    Ok(())
}

/// Writes bytes that are the same in each run.
fn random(g: &mut Guest<'_>, ptr: u32, size: u32) -> Outcome {
    let bytes: Vec<u8> = (0..size).map(|n| (n * 7 + 1) as u8).collect();
    g.write(ptr, &bytes)
}

fn log(g: &mut Guest<'_>, level: u32, ptr: u32, size: u32) -> Outcome {
    let message = String::from_utf8_lossy(&g.read(ptr, size)?).into_owned();
    let log = &mut g.state().log;
    if log.len() < MAX_LOG_LINES {
        log.push(LogLine { level, message });
    }
    Ok(())
}

fn get_log_level(g: &mut Guest<'_>, out: u32) -> Outcome {
    g.give_u32(2, out)
}

fn get_current_time(g: &mut Guest<'_>, out: u32) -> Outcome {
    let now = g.state().now_ns;
    g.give_u64(now, out)
}

fn set_tick_period(g: &mut Guest<'_>, ms: u32) -> Outcome {
    g.state().tick_ms = (ms > 0).then_some(ms);
    Ok(())
}

/// Returns a buffer if the running callback may read it: the plugin's configuration while configuring,
/// a body in its own callback.
fn buffer(state: &mut State, kind: u32) -> Option<&mut Vec<u8>> {
    match (kind, state.phase) {
        (PLUGIN_CONFIGURATION, Phase::Configure) => Some(&mut state.config),
        (REQUEST_BODY, Phase::RequestBody) | (RESPONSE_BODY, Phase::ResponseBody) => {
            let active = state.active;
            state
                .streams
                .get_mut(&active)
                .map(|stream| &mut stream.body)
        }
        _ => None,
    }
}

fn get_buffer(g: &mut Guest<'_>, kind: u32, start: u32, max: u32, ptr: u32, size: u32) -> Outcome {
    let data = buffer(g.state(), kind).ok_or(status::NOT_FOUND)?;
    let end = start.checked_add(max).ok_or(status::BAD_ARGUMENT)? as usize;
    let wanted = data
        .get(start as usize..end.min(data.len()))
        .unwrap_or_default()
        .to_vec();
    if wanted.is_empty() {
        // Envoy returns success without writing pointer and size.
        return Ok(());
    }
    g.give(&wanted, ptr, size)
}

fn set_buffer(g: &mut Guest<'_>, kind: u32, start: u32, len: u32, ptr: u32, size: u32) -> Outcome {
    let data = g.read(ptr, size)?;
    if kind == PLUGIN_CONFIGURATION {
        return Err(status::BAD_ARGUMENT.into());
    }
    let body = buffer(g.state(), kind).ok_or(status::BAD_ARGUMENT)?;
    Ok(copy_from(body, start as usize, len as usize, &data)?)
}

/// Does what Envoy's `Buffer::copyFrom` does: replaces the whole body, prepends to it or appends to it.
pub(crate) fn copy_from(
    body: &mut Vec<u8>,
    start: usize,
    len: usize,
    data: &[u8],
) -> Result<(), u32> {
    if start == 0 && len == 0 {
        body.splice(0..0, data.iter().copied());
    } else if start == 0 && len >= body.len() {
        *body = data.to_vec();
    } else if start > 0 && start >= body.len() {
        body.extend_from_slice(data);
    } else {
        return Err(status::BAD_ARGUMENT);
    }
    Ok(())
}

fn get_pairs(g: &mut Guest<'_>, map: u32, ptr: u32, size: u32) -> Outcome {
    // Envoy returns an empty map if the map does not exist.
    let map = MapType::from_abi(map).and_then(|map| g.state().readable(map).cloned());
    let map = map.unwrap_or_default();
    let bytes = if map.is_empty() {
        Vec::new()
    } else {
        pairs_to_bytes(&map)
    };
    g.give(&bytes, ptr, size)
}

fn writable<'g>(g: &'g mut Guest<'_>, map: u32) -> Result<&'g mut Headers, Stop> {
    let map = MapType::from_abi(map).ok_or(status::BAD_ARGUMENT)?;
    g.state()
        .writable(map)
        .ok_or(Stop::Status(status::BAD_ARGUMENT))
}

/// Reads the pairs that the module passed. Envoy reads malformed pairs as an empty map.
fn read_pairs(g: &mut Guest<'_>, ptr: u32, size: u32) -> Result<Headers, Stop> {
    let bytes = g.read(ptr, size)?;
    Ok(pairs_from_bytes(&bytes).unwrap_or_else(|| {
        g.state().misused("malformed header pairs from the module");
        Vec::new()
    }))
}

fn set_pairs(g: &mut Guest<'_>, map: u32, ptr: u32, size: u32) -> Outcome {
    let mut pairs = read_pairs(g, ptr, size)?;
    pairs
        .iter_mut()
        .for_each(|(name, _)| name.make_ascii_lowercase());
    *writable(g, map)? = pairs;
    Ok(())
}

fn get_value(g: &mut Guest<'_>, map: u32, k: u32, ks: u32, ptr: u32, size: u32) -> Outcome {
    let name = g.read(k, ks)?;
    let map = MapType::from_abi(map).ok_or(status::BAD_ARGUMENT)?;
    let headers = g.state().readable(map).ok_or(status::BAD_ARGUMENT)?;
    let value = first(headers, &name).ok_or(status::NOT_FOUND)?.to_vec();
    g.give(&value, ptr, size)
}

fn replace_value(g: &mut Guest<'_>, map: u32, k: u32, ks: u32, v: u32, vs: u32) -> Outcome {
    let (name, value) = (g.read(k, ks)?.to_ascii_lowercase(), g.read(v, vs)?);
    let headers = writable(g, map)?;
    let at = headers
        .iter()
        .position(|(n, _)| *n == name)
        .unwrap_or(headers.len());
    headers.retain(|(n, _)| *n != name);
    headers.insert(at.min(headers.len()), (name, value));
    Ok(())
}

fn add_value(g: &mut Guest<'_>, map: u32, k: u32, ks: u32, v: u32, vs: u32) -> Outcome {
    let (name, value) = (g.read(k, ks)?.to_ascii_lowercase(), g.read(v, vs)?);
    writable(g, map)?.push((name, value));
    Ok(())
}

fn remove_value(g: &mut Guest<'_>, map: u32, key: u32, key_size: u32) -> Outcome {
    let name = g.read(key, key_size)?.to_ascii_lowercase();
    writable(g, map)?.retain(|(n, _)| *n != name);
    Ok(())
}

fn get_property(g: &mut Guest<'_>, path: u32, path_size: u32, ptr: u32, size: u32) -> Outcome {
    let path = g.read(path, path_size)?;
    let value = property::lookup(g.state(), &path)?;
    g.give(&value, ptr, size)
}

/// Sets filter state, as Envoy does for any path.
fn set_property(g: &mut Guest<'_>, path: u32, path_size: u32, ptr: u32, size: u32) -> Outcome {
    let (path, value) = (g.read(path, path_size)?, g.read(ptr, size)?);
    let active = g.state().active;
    let stream = g
        .state()
        .streams
        .get_mut(&active)
        .ok_or(status::NOT_FOUND)?;
    stream.filter_state.insert(path, value);
    Ok(())
}

fn get_shared(g: &mut Guest<'_>, k: u32, ks: u32, ptr: u32, size: u32, cas: u32) -> Outcome {
    let key = g.read(k, ks)?;
    let (value, number) = g.state().world.shared(&key).ok_or(status::NOT_FOUND)?;
    g.give(&value, ptr, size)?;
    g.give_u32(number, cas)
}

fn set_shared(g: &mut Guest<'_>, k: u32, ks: u32, ptr: u32, size: u32, cas: u32) -> Outcome {
    let (key, value) = (g.read(k, ks)?, g.read(ptr, size)?);
    match g.state().world.set_shared(&key, &value, cas) {
        status::OK => Ok(()),
        other => Err(other.into()),
    }
}

#[expect(clippy::too_many_arguments, reason = "the arguments of the ABI")]
fn send_local_response(
    g: &mut Guest<'_>,
    status: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    headers: u32,
    headers_size: u32,
    grpc_status: i32,
) -> Outcome {
    let details = g.read(details, details_size)?;
    let body = g.read(body, body_size)?;
    let headers = read_pairs(g, headers, headers_size)?;
    let reply = LocalReply {
        status,
        details,
        body,
        headers,
        grpc_status,
    };
    let state = g.state();
    match state.phase {
        Phase::RequestHeaders | Phase::RequestBody | Phase::RequestTrailers => {}
        Phase::ResponseHeaders => {}
        _ => state.misused("a local reply here resets the stream, or does nothing"),
    }
    let active = state.active;
    let Some(stream) = state.streams.get_mut(&active) else {
        state.misused("a local reply without a stream");
        return Ok(());
    };
    if stream.reply.replace(reply).is_some() {
        state.misused("a second local reply on one stream");
    }
    Ok(())
}

fn continue_stream(g: &mut Guest<'_>, _kind: u32) -> Outcome {
    g.state()
        .misused("the filter never pauses, so it has nothing to continue");
    Ok(())
}

fn close_stream(g: &mut Guest<'_>, _kind: u32) -> Outcome {
    g.state().misused("the filter closes no stream");
    Ok(())
}

fn define_metric(g: &mut Guest<'_>, kind: u32, name: u32, name_size: u32, out: u32) -> Outcome {
    let name = String::from_utf8_lossy(&g.read(name, name_size)?).into_owned();
    let id = g
        .state()
        .world
        .define(kind, &name)
        .ok_or(status::BAD_ARGUMENT)?;
    g.give_u32(id, out)
}

fn get_metric(g: &mut Guest<'_>, id: u32, out: u32) -> Outcome {
    let value = g.state().world.value(id)?;
    g.give_u64(value, out)
}

fn record_metric(g: &mut Guest<'_>, id: u32, value: u64) -> Outcome {
    Ok(g.state().world.record(id, value)?)
}

fn increment_metric(g: &mut Guest<'_>, id: u32, offset: i64) -> Outcome {
    Ok(g.state().world.increment(id, offset)?)
}

fn done(_: &mut Guest<'_>) -> Outcome {
    Ok(())
}

fn set_effective_context(g: &mut Guest<'_>, id: u32) -> Outcome {
    if !g.state().contexts.contains(&id) {
        return Err(status::BAD_ARGUMENT.into());
    }
    g.state().active = id;
    Ok(())
}
