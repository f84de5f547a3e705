//! The Envoy under measurement, with a listener for each variant, and an Envoy as the upstream.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, merge, route, tidegate, typed, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::{Request, Response};

use crate::floor;
use crate::load::Load;

/// A filter and the result of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    None,
    SdkNoop,
    TrimmedNoop,
    Lua,
    AdmissionControl,
    Floor,
    Tidegate,
    NoneFailing,
    LuaFailing,
    FloorFailing,
    TidegateFailing,
    DirectResponse,
    FloorOpen,
    TidegateOpen,
    /// The three variants of Tidegate with another module, to compare two builds in one run.
    Beside,
    BesideFailing,
    BesideOpen,
}

impl Variant {
    pub(crate) const ALL: &'static [Self] = &[
        Self::None,
        Self::SdkNoop,
        Self::TrimmedNoop,
        Self::Lua,
        Self::AdmissionControl,
        Self::Floor,
        Self::Tidegate,
        Self::NoneFailing,
        Self::LuaFailing,
        Self::FloorFailing,
        Self::TidegateFailing,
        Self::DirectResponse,
        Self::FloorOpen,
        Self::TidegateOpen,
        Self::Beside,
        Self::BesideFailing,
        Self::BesideOpen,
    ];

    /// Returns the variants to measure: those in `BENCH_ONLY` (names of listeners, separated by
    /// commas) or all, and those of another module only if there is one.
    pub(crate) fn chosen() -> Vec<Self> {
        let only = std::env::var("BENCH_ONLY").unwrap_or_default();
        let is_chosen = |variant: &Self| {
            let name = variant.listener();
            let is_wanted = only.is_empty() || only.split(',').any(|part| part == name);
            is_wanted && (!name.starts_with("beside") || beside().is_some())
        };
        Self::ALL.iter().copied().filter(is_chosen).collect()
    }

    /// Returns the name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "no filter",
            Self::SdkNoop => "the SDK's no-op filter",
            Self::TrimmedNoop => "the same, exports trimmed to those in use",
            Self::Lua => "Lua, reads two headers and the status",
            Self::AdmissionControl => "Envoy's admission control",
            Self::Floor => "a hand-written module that reads what Tidegate reads",
            Self::FloorOpen => "a hand-written module that rejects with the same page",
            Self::FloorFailing => "a hand-written module that serves the same page",
            Self::Tidegate => "**Tidegate, healthy**",
            Self::NoneFailing => "no filter, upstream fails",
            Self::LuaFailing => "Lua, replaces status and body",
            Self::TidegateFailing => "**Tidegate, page served**",
            Self::DirectResponse => "Envoy's `direct_response` with the same page",
            Self::TidegateOpen => "**Tidegate, circuit open**",
            Self::Beside => "the other module, healthy",
            Self::BesideFailing => "the other module, page served",
            Self::BesideOpen => "the other module, circuit open",
        }
    }

    fn listener(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Returns the class of the expected status.
    fn class(self) -> u32 {
        match self {
            Self::None
            | Self::SdkNoop
            | Self::TrimmedNoop
            | Self::Lua
            | Self::AdmissionControl
            | Self::Floor
            | Self::Beside
            | Self::Tidegate => 2,
            Self::NoneFailing
            | Self::LuaFailing
            | Self::FloorFailing
            | Self::TidegateFailing
            | Self::DirectResponse
            | Self::FloorOpen
            | Self::BesideFailing
            | Self::BesideOpen
            | Self::TidegateOpen => 5,
        }
    }
}

/// Failures are replaced, and no circuit opens.
const NO_BREAKER: &str = r#"{"breaker":{"mode":"disabled"}}"#;
/// The first failure opens the circuit for longer than a run takes.
const ONE_FAILURE: &str = r#"{"breaker":{"consecutive":{"failures":1,"for":"0s"},
    "open":{"base":"10m","max":"10m"}}}"#;

/// The running Envoys.
#[derive(Debug)]
pub(crate) struct Stage {
    envoy: Envoy,
    _upstream: Envoy,
}

impl Stage {
    /// Starts the Envoys. `noop` is the SDK's no-op filter.
    pub(crate) fn start(workers: u32, noop: &Path) -> Stage {
        let upstream = Envoy::start(&Bootstrap::new(
            vec![],
            vec![
                answering(
                    "well",
                    200,
                    "text/html; charset=utf-8",
                    &"well ".repeat(400),
                ),
                answering("down", 503, "text/html", "<h1>Service unavailable</h1>"),
            ],
        ));
        let clusters = ["well", "down"].map(|name| cluster(name, &[upstream.listener(name)]));
        let variants = Variant::chosen();
        let page = page(&clusters);
        let floor = floor::module(&page);
        let path = floor_path(noop);
        std::fs::write(&path, floor).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let listeners: Vec<Value> = variants
            .iter()
            .map(|variant| listener(*variant, noop, page.text()))
            .collect();
        let mut bootstrap = Bootstrap::new(clusters.to_vec(), listeners);
        bootstrap.concurrency = workers;
        let stage = Stage {
            envoy: Envoy::start(&bootstrap),
            _upstream: upstream,
        };
        for variant in [Variant::TidegateOpen, Variant::BesideOpen] {
            if variants.contains(&variant) {
                open_the_circuit(stage.address(variant));
            }
        }
        stage
    }

    /// Sends a load to a variant and returns microseconds of Envoy's processor time per request.
    pub(crate) fn ask(&self, load: &Load, variant: Variant) -> f64 {
        let before = self.envoy.processor_time();
        load.run(self.address(variant), variant.class());
        let took = self.envoy.processor_time() - before;
        took.as_secs_f64() * 1e6 / f64::from(load.requests())
    }

    fn address(&self, variant: Variant) -> SocketAddr {
        self.envoy.listener(&variant.listener())
    }
}

/// Returns the path of the hand-written module, beside the no-op filter.
fn floor_path(noop: &Path) -> PathBuf {
    noop.with_extension("floor.wasm")
}

/// Returns the other module to measure, if there is one.
fn beside() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("BENCH_BESIDE")?))
}

/// Returns the page that Tidegate serves while a circuit is open.
fn page(clusters: &[Value]) -> Response {
    let listener = listener(Variant::TidegateOpen, Path::new(""), "");
    let envoy = Envoy::start(&Bootstrap::new(clusters.to_vec(), vec![listener]));
    let address = envoy.listener(&Variant::TidegateOpen.listener());
    open_the_circuit(address)
}

/// Sends requests until the page of the open circuit has come from all workers, and returns it.
fn open_the_circuit(address: SocketAddr) -> Response {
    let client = Client::new(Protocol::H1, address);
    let request = Request::get("/item/42").header("accept", "text/html");
    let mut rejections = 0;
    // Every worker must have learnt that the circuit is open.
    for _ in 0..1_000 {
        let answer = client.get(&request);
        if answer.header("x-tidegate-page") == Some("circuit_open") {
            rejections += 1;
            if rejections == 100 {
                return answer;
            }
        }
    }
    panic!("the circuit does not open");
}

fn answering(name: &str, status: u32, content_type: &str, body: &str) -> Value {
    let header = json!({ "header": { "key": "content-type", "value": content_type },
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" });
    quiet(Listener::new(name).routes([json!({
        "name": name, "match": { "prefix": "/" },
        "response_headers_to_add": [header],
        "direct_response": { "status": status, "body": { "inline_string": body } },
    })]))
}

/// Returns a listener without an access log, and with space for a page in a `direct_response`.
fn quiet(listener: Listener) -> Value {
    let room = json!({ "max_direct_response_body_size_bytes": 65536 });
    let manager = json!({ "access_log": [], "route_config": room });
    listener.manager(manager).json()
}

fn listener(variant: Variant, noop: &Path, page: &str) -> Value {
    let name = variant.listener();
    let listener = Listener::new(&name);
    let wasm = |module: &Path, configuration: Option<&str>| {
        let own = json!({ "typed_config": { "config": { "name": name } } });
        merge(tidegate(module, configuration), own)
    };
    let other = beside().unwrap_or_default();
    // The module keeps no state per configuration, so each configuration needs a VM.
    let floor = |configuration: Option<&str>| {
        let own_vm = json!({ "vm_config": { "vm_id": name } });
        let own_vm = json!({ "typed_config": { "config": own_vm } });
        let filter = wasm(&floor_path(noop), configuration);
        merge(filter, own_vm)
    };
    let trimmed = noop.with_extension("trimmed.wasm");
    let filter = match variant {
        Variant::None | Variant::NoneFailing | Variant::DirectResponse => None,
        Variant::SdkNoop => Some(wasm(noop, None)),
        Variant::TrimmedNoop => Some(wasm(&trimmed, None)),
        Variant::Lua => Some(lua("function envoy_on_request(handle)
               local headers = handle:headers()
               local accept, method = headers:get('accept'), headers:get(':method')
             end
             function envoy_on_response(handle)
               local status = handle:headers():get(':status')
             end")),
        Variant::AdmissionControl => Some(admission_control()),
        Variant::Floor | Variant::FloorFailing => Some(floor(None)),
        Variant::FloorOpen => Some(floor(Some("{}"))),
        Variant::Tidegate => Some(wasm(&tidegate_e2e::module(), None)),
        Variant::Beside => Some(wasm(&other, None)),
        Variant::BesideFailing => Some(wasm(&other, Some(NO_BREAKER))),
        Variant::BesideOpen => Some(wasm(&other, Some(ONE_FAILURE))),
        Variant::LuaFailing => Some(lua(&format!(
            "local page = [==[{page}]==]
             function envoy_on_response(handle)
               local headers = handle:headers()
               if headers:get(':status') == '503' then
                 headers:replace(':status', '502')
                 headers:replace('content-type', 'text/html; charset=utf-8')
                 headers:replace('cache-control', 'no-store')
                 headers:replace('retry-after', '5')
                 handle:body():setBytes(page)
               end
             end"
        ))),
        Variant::TidegateFailing => Some(wasm(&tidegate_e2e::module(), Some(NO_BREAKER))),
        Variant::TidegateOpen => Some(wasm(&tidegate_e2e::module(), Some(ONE_FAILURE))),
    };
    let listener = match filter {
        Some(filter) => listener.filter(filter),
        None => listener,
    };
    match variant {
        Variant::DirectResponse => answering(&name, 503, "text/html; charset=utf-8", page),
        Variant::NoneFailing
        | Variant::LuaFailing
        | Variant::FloorFailing
        | Variant::TidegateFailing
        | Variant::FloorOpen
        | Variant::BesideFailing
        | Variant::BesideOpen
        | Variant::TidegateOpen => quiet(listener.routes([route("/", "down")])),
        _ => quiet(listener.routes([route("/", "well")])),
    }
}

fn lua(code: &str) -> Value {
    let code = json!({ "default_source_code": { "inline_string": code } });
    json!({ "name": "lua", "typed_config": typed("extensions.filters.http.lua.v3.Lua", code) })
}

fn admission_control() -> Value {
    let all = json!({ "http_success_status": [{ "start": 100, "end": 600 }] });
    let config = json!({ "success_criteria": { "http_criteria": all } });
    let kind = "extensions.filters.http.admission_control.v3.AdmissionControl";
    json!({ "name": "admission_control", "typed_config": typed(kind, config) })
}
