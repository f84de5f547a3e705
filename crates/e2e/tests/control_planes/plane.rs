use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};
use tempfile::TempDir;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{
    cluster, h2_cluster, merge, remote_code, tidegate, typed, Bootstrap, Listener,
};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Upstream};

use super::foreign;
use crate::image::agent::hex;
use crate::site::PLAIN;

/// The listener with the filter.
pub(super) const PAGE: &str = "page";
/// The buffers of Envoy Gateway, in bytes.
const BUFFER: u32 = 32_768;

/// Who makes the configuration of Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plane {
    Istio,
    EnvoyGateway,
}

pub(super) const PLANES: [Plane; 2] = [Plane::Istio, Plane::EnvoyGateway];

/// What the backends of the services are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    /// The scripted upstream, over HTTP/1.1 and HTTP/2.
    H1,
    H2,
    /// Nobody.
    Refused,
}

/// The services of the site. The first segment of a path is the name of its service.
const SERVICES: [(&str, Backend); 5] = [
    ("catalog", Backend::H1),
    ("basket", Backend::H1),
    ("stream", Backend::H2),
    ("gone", Backend::Refused),
    (NOT_COVERED, Backend::Refused),
];
/// The service whose route no policy of Envoy Gateway applies to.
pub(super) const NOT_COVERED: &str = "other";

/// A site behind an Envoy that one of the control planes configured.
#[derive(Debug)]
pub(super) struct Site {
    // Fields are dropped in this order: Envoy ends before its upstreams.
    pub(super) envoy: Envoy,
    pub(super) upstream: Upstream,
    pub(super) plane: Plane,
    _server: Upstream,
    _refused: Refused,
    modules: Modules,
}

/// The files of the modules.
#[derive(Debug)]
struct Modules {
    _folder: TempDir,
    tidegate: PathBuf,
    foreign: PathBuf,
}

impl Modules {
    fn write(tidegate: &[u8]) -> Self {
        let folder = TempDir::new().expect("make a folder");
        let modules = Self {
            tidegate: folder.path().join("tidegate.wasm"),
            foreign: folder.path().join("foreign.wasm"),
            _folder: folder,
        };
        fs::write(&modules.tidegate, tidegate).expect("write the module");
        foreign::write(&modules.foreign);
        modules
    }
}

/// What differs between the sites of the tests.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The configuration of each Tidegate.
    pub(super) configuration: Value,
    /// What happens when a module dies, merged into the configuration of the plugin.
    pub(super) failure: Value,
    /// Code of the module.
    pub(super) module: Vec<u8>,
    /// Whether a module is meant to die.
    pub(super) kills_modules: bool,
}

impl Settings {
    /// Returns settings with the module under test, and with what the resources of this project ask for
    /// when a module dies.
    pub(super) fn new(plane: Plane, configuration: Value) -> Self {
        let failure = match plane {
            Plane::Istio => json!({ "failure_policy": "FAIL_RELOAD" }),
            Plane::EnvoyGateway => json!({ "fail_open": true }),
        };
        Self {
            configuration,
            failure,
            module: fs::read(tidegate_e2e::module()).expect("read the module"),
            kills_modules: false,
        }
    }
}

impl Site {
    /// Starts the site: a listener [`PAGE`] with two Tidegates (in Istio only one if it is to die) and another
    /// plugin, and [`PLAIN`], which differs only in that it has none of them.
    pub(super) fn start(plane: Plane, settings: &Settings) -> Self {
        let upstream = Upstream::start(super::bodies::behaviours());
        let refused = Refused::default();
        let module = Answer::status(200).body("application/wasm", &settings.module);
        let server = Upstream::start([("tidegate.wasm", module)]);
        let modules = Modules::write(&settings.module);

        let clusters = SERVICES.map(|(service, backend)| {
            let name = plane.cluster(service);
            let made = match backend {
                Backend::H1 => cluster(&name, &[upstream.address()]),
                Backend::H2 => h2_cluster(&name, &[upstream.address()]),
                Backend::Refused => cluster(&name, &[refused.address()]),
            };
            plane.limited(made)
        });
        let mut clusters = clusters.to_vec();
        clusters.push(cluster("server", &[server.address()]));
        let plugins = match plane {
            Plane::Istio => istio_plugins(settings, &modules),
            Plane::EnvoyGateway => {
                let code = remote_code(server.address(), &hex(&settings.module), 10);
                envoy_gateway_plugins(settings, &code, &modules)
            }
        };
        let filters = plugins.iter().map(|plugin| match plane {
            Plane::Istio => discovered(plugin),
            Plane::EnvoyGateway => merge(plugin.clone(), json!({ "disabled": true })),
        });
        let listeners = [PLAIN, PAGE].map(|name| {
            let routes = SERVICES.map(|(service, _)| plane.route(service, name, &plugins));
            let listener = Listener::new(name).routes(routes).manager(plane.manager());
            let listener = match name {
                PAGE => filters.clone().fold(listener, Listener::filter),
                _ => listener,
            };
            plane.limited(listener.virtual_host(plane.virtual_host()).json())
        });
        let mut bootstrap = Bootstrap::new(clusters, listeners.to_vec());
        bootstrap.kills_modules = settings.kills_modules;
        if plane == Plane::Istio {
            bootstrap.files = plugins.iter().map(extension).collect();
        }
        Site {
            envoy: Envoy::start(&bootstrap),
            upstream,
            plane,
            _server: server,
            _refused: refused,
            modules,
        }
    }

    /// Returns a client of a listener.
    pub(super) fn client(&self, listener: &str, protocol: Protocol) -> Client {
        Client::new(protocol, self.envoy.listener(listener))
    }

    /// Sends a request through the filter, over HTTP/1.1 and a connection of its own.
    pub(super) fn ask(&self, request: &Request) -> Response {
        self.client(PAGE, Protocol::H1).get(request)
    }

    /// Returns the name under which a service is in metrics, logs and the shared data.
    pub(super) fn key(&self, service: &str) -> String {
        let route = match self.plane {
            Plane::Istio => VIRTUAL_HOST.to_owned(),
            Plane::EnvoyGateway => route_name(service),
        };
        format!("{route}/{}", self.plane.cluster(service))
    }

    /// Returns the files by which Istio's agent would give these settings to this Envoy, and what is in them.
    pub(super) fn extensions(&self, settings: &Settings) -> Vec<(String, Value)> {
        let plugins = istio_plugins(settings, &self.modules);
        plugins.iter().map(extension).collect()
    }

    /// Returns the names of the Tidegates.
    pub(super) fn plugins(&self) -> &'static [&'static str] {
        match self.plane {
            Plane::Istio => &["istio-system.tidegate", "shop.tidegate"],
            Plane::EnvoyGateway => &["tidegate"],
        }
    }
}

/// Returns a request for a service, and what its backend is to do.
pub(super) fn request(method: &str, service: &str, behaviour: &str) -> Request {
    Request::new(method, &format!("/{service}/item"))
        .header("accept", "text/html")
        .header("x-behaviour", behaviour)
}

/// The virtual host that Istio makes of a VirtualService at a gateway.
const VIRTUAL_HOST: &str = "site.example:80";

fn route_name(service: &str) -> String {
    format!("httproute/shop/{service}/rule/0/match/0/site_example")
}

impl Plane {
    fn cluster(self, service: &str) -> String {
        match self {
            Plane::Istio => format!("outbound|8080||{service}.shop.svc.cluster.local"),
            Plane::EnvoyGateway => format!("httproute/shop/{service}/rule/0"),
        }
    }

    /// Returns a listener or a cluster with the limits of the control plane.
    fn limited(self, resource: Value) -> Value {
        match self {
            Plane::Istio => resource,
            Plane::EnvoyGateway => merge(
                resource,
                json!({ "per_connection_buffer_limit_bytes": BUFFER }),
            ),
        }
    }

    fn virtual_host(self) -> Value {
        match self {
            Plane::Istio => json!({ "name": VIRTUAL_HOST, "include_request_attempt_count": true }),
            Plane::EnvoyGateway => json!({ "name": "shop/eg/http/site_example" }),
        }
    }

    fn manager(self) -> Value {
        match self {
            Plane::Istio => json!({
                "server_name": "istio-envoy",
                "use_remote_address": true,
                "normalize_path": true,
                "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
            }),
            Plane::EnvoyGateway => json!({
                "common_http_protocol_options": {
                    "headers_with_underscores_action": "REJECT_REQUEST",
                },
                "http2_protocol_options": {
                    "initial_stream_window_size": 65_536,
                    "initial_connection_window_size": 1_048_576,
                    "max_concurrent_streams": 100,
                },
                "merge_slashes": true,
                "normalize_path": true,
                "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
                "server_header_transformation": "PASS_THROUGH",
                "use_remote_address": true,
            }),
        }
    }

    /// Returns the route of a service. Istio names no route of a VirtualService that has no name of its own.
    fn route(self, service: &str, listener: &str, plugins: &[Value]) -> Value {
        let route = json!({
            "match": { "prefix": format!("/{service}/") },
            "route": { "cluster": self.cluster(service) },
        });
        match self {
            Plane::Istio => merge(route, json!({ "name": "default" })),
            Plane::EnvoyGateway => {
                let on = typed("config.route.v3.FilterConfig", json!({ "config": {} }));
                let policy = policy(service).filter(|_| listener == PAGE);
                let names = plugins.iter().map(name);
                let names = names.filter(|name| policy.is_some_and(|policy| name.contains(policy)));
                let switches: serde_json::Map<_, _> =
                    names.map(|name| (name, on.clone())).collect();
                let own = json!({
                    "name": route_name(service),
                    "typed_per_filter_config": switches,
                });
                merge(route, own)
            }
        }
    }
}

/// Returns the name of a filter.
fn name(filter: &Value) -> String {
    filter["name"].as_str().expect("a name").to_owned()
}

/// Returns the plugins of Istio, the outermost first. None has a VM id.
fn istio_plugins(settings: &Settings, modules: &Modules) -> Vec<Value> {
    let Modules {
        tidegate: module,
        foreign,
        ..
    } = modules;
    let configuration = settings.configuration.to_string();
    let plugin = |namespace: &str, name: &str, module: &Path, version: &str, more: Value| {
        let environment = json!({ "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": version });
        let own = json!({
            "name": format!("extensions.istio.io/wasmplugin/{namespace}.{name}"),
            "typed_config": { "config": {
                "name": format!("{namespace}.{name}"),
                "root_id": "",
                "vm_config": { "environment_variables": { "key_values": environment } },
            } },
        });
        let plugin = merge(tidegate(module, Some(&configuration)), own);
        merge(plugin, json!({ "typed_config": { "config": more } }))
    };
    let failure = || settings.failure.clone();
    let mut plugins = vec![
        plugin("shop", "other", foreign, "7", json!({})),
        plugin("shop", "tidegate", module, "1311", failure()),
    ];
    // Whether plugins whose environments differ share a VM, and so die together, depends on the version of
    // Envoy.
    if !settings.kills_modules {
        plugins.insert(
            1,
            plugin("istio-system", "tidegate", module, "1207", failure()),
        );
    }
    plugins
}

/// The policy of Envoy Gateway for the whole gateway, and that of one route, which replaces it there.
const GATEWAY_POLICY: &str = "shop/gateway";
const ROUTE_POLICY: &str = "shop/basket";

/// Returns the policy that applies to the route of a service.
fn policy(service: &str) -> Option<&'static str> {
    match service {
        NOT_COVERED => None,
        "basket" => Some(ROUTE_POLICY),
        _ => Some(GATEWAY_POLICY),
    }
}

/// Returns the plugins of two policies of Envoy Gateway, of which one has another plugin beside Tidegate.
/// The plugins of a policy have its VM id.
fn envoy_gateway_plugins(settings: &Settings, code: &Value, modules: &Modules) -> Vec<Value> {
    let configuration = settings.configuration.to_string();
    let plugin = |policy: &str, index: u32, name: &str, code: Value, more: Value| {
        let mut plugin = tidegate(Path::new(""), Some(&configuration));
        plugin["name"] = json!(format!(
            "envoy.filters.http.wasm/envoyextensionpolicy/{policy}/wasm/{index}"
        ));
        let config = &mut plugin["typed_config"]["config"];
        config["name"] = json!(name);
        config["root_id"] = json!("");
        config["vm_config"]["vm_id"] = json!(format!("envoyextensionpolicy/{policy}"));
        config["vm_config"]["code"] = code;
        merge(plugin, json!({ "typed_config": { "config": more } }))
    };
    let failure = || settings.failure.clone();
    let local = json!({ "local": { "filename": modules.foreign } });
    vec![
        plugin(GATEWAY_POLICY, 0, "other", local, json!({})),
        plugin(GATEWAY_POLICY, 1, "tidegate", code.clone(), failure()),
        plugin(ROUTE_POLICY, 0, "tidegate", code.clone(), failure()),
    ]
}

/// Returns the filter whose configuration Envoy is to discover.
fn discovered(plugin: &Value) -> Value {
    json!({
        "name": name(plugin),
        "config_discovery": {
            "config_source": {
                "path_config_source": { "path": file_name(plugin) },
                "initial_fetch_timeout": "0s",
                "resource_api_version": "V3",
            },
            "type_urls": [
                "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            ],
        },
    })
}

fn file_name(plugin: &Value) -> String {
    let name = name(plugin);
    let (_, last) = name.rsplit_once('/').expect("a path");
    format!("./{last}.json")
}

/// Returns the file of a plugin for the discovery, and what is in it.
fn extension(plugin: &Value) -> (String, Value) {
    let resource = typed("config.core.v3.TypedExtensionConfig", plugin.clone());
    (file_name(plugin), json!({ "resources": [resource] }))
}
