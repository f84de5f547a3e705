//! Envoy configurations, composed of small parts.
//!
//! Every part is a JSON value with Envoy's own field names. Tests [`merge`] further fields into it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};

/// The bootstrap of an Envoy. A file delivers the listeners, as a control plane would.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Clusters, see [`cluster`].
    pub clusters: Vec<Value>,
    /// Listeners, see [`Listener::json`].
    pub listeners: Vec<Value>,
    /// Number of worker threads.
    pub concurrency: u32,
    /// Merged into the bootstrap.
    pub more: Value,
    /// Variables of Envoy's environment, and their values.
    pub environment: Vec<(&'static str, PathBuf)>,
    /// Names and contents of further files in the folder of Envoy.
    pub files: Vec<(String, Value)>,
    /// Whether the test kills a module. Any other test fails when a module dies.
    pub kills_modules: bool,
}

impl Bootstrap {
    /// Returns a bootstrap with one worker.
    pub fn new(clusters: Vec<Value>, listeners: Vec<Value>) -> Self {
        Self {
            clusters,
            listeners,
            concurrency: 1,
            more: json!({}),
            environment: Vec::new(),
            files: Vec::new(),
            kills_modules: false,
        }
    }

    /// Returns the names of the listeners that have a port.
    pub(crate) fn names(&self) -> Vec<&str> {
        let with_port = self
            .listeners
            .iter()
            .filter(|l| l["address"]["pipe"].is_null());
        with_port
            .map(|l| l["name"].as_str().expect("the name of a listener"))
            .collect()
    }

    /// Returns the bootstrap.
    pub(crate) fn json(&self) -> Value {
        let whole = json!({
            "node": { "id": "e2e", "cluster": "e2e" },
            "admin": { "address": loopback(0) },
            "dynamic_resources": {
                "lds_config": {
                    "resource_api_version": "V3",
                    "path_config_source": {
                        "path": "lds/lds.json",
                        "watched_directory": { "path": "lds" },
                    },
                },
            },
            "static_resources": { "clusters": self.clusters },
        });
        merge(whole, self.more.clone())
    }

    /// Returns the bootstrap with the listeners in the file itself.
    pub fn static_json(&self) -> Value {
        let mut json = self.json();
        json["dynamic_resources"] = json!({});
        json["static_resources"]["listeners"] = json!(self.listeners);
        json
    }

    pub(crate) fn discovery_response(listeners: &[Value]) -> Value {
        let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
        let resources: Vec<Value> = listeners
            .iter()
            .map(|listener| merge(listener.clone(), json!({ "@type": kind })))
            .collect();
        json!({ "type_url": kind, "resources": resources })
    }
}

/// An HTTP listener for HTTP/1.1 and HTTP/2 (prior knowledge) on a free port.
#[derive(Debug, Clone)]
pub struct Listener {
    name: String,
    filters: Vec<Value>,
    routes: Vec<Value>,
    manager: Value,
    virtual_host: Value,
}

impl Listener {
    /// Returns a listener without filters or routes.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            filters: vec![],
            routes: vec![],
            manager: json!({}),
            virtual_host: json!({}),
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends an HTTP filter. The router follows all of them.
    #[must_use]
    pub fn filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// Appends routes; the first match wins.
    #[must_use]
    pub fn routes(mut self, routes: impl IntoIterator<Item = Value>) -> Self {
        self.routes.extend(routes);
        self
    }

    /// Inserts routes before all others.
    #[must_use]
    pub fn first_routes(mut self, routes: impl IntoIterator<Item = Value>) -> Self {
        self.routes.splice(0..0, routes);
        self
    }

    /// Merges fields into the virtual host.
    #[must_use]
    pub fn virtual_host(mut self, more: Value) -> Self {
        self.virtual_host = merge(self.virtual_host, more);
        self
    }

    /// Merges fields into the connection manager.
    #[must_use]
    pub fn manager(mut self, more: Value) -> Self {
        self.manager = merge(self.manager, more);
        self
    }

    /// Returns the listener resource.
    pub fn json(&self) -> Value {
        let router = json!({
            "name": "router",
            "typed_config": typed("extensions.filters.http.router.v3.Router", json!({})),
        });
        let filters: Vec<_> = self.filters.iter().cloned().chain([router]).collect();
        let site = json!({ "name": "site", "domains": ["*"], "routes": self.routes });
        let manager = json!({
            "stat_prefix": self.name,
            "codec_type": "AUTO",
            "upgrade_configs": [{ "upgrade_type": "websocket" }, { "upgrade_type": "CONNECT" }],
            "http2_protocol_options": { "allow_connect": true },
            "http_filters": filters,
            "access_log": [access_log(&self.name)],
            "route_config": {
                "name": self.name,
                // As with routes from a control plane, a cluster may be unknown.
                "validate_clusters": false,
                "virtual_hosts": [merge(site, self.virtual_host.clone())],
            },
        });
        let manager = merge(manager, self.manager.clone());
        let kind = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
        json!({
            "name": self.name,
            "address": loopback(0),
            "filter_chains": [{
                "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": typed(kind, manager),
                }],
            }],
        })
    }
}

/// Returns an access log in JSON; absent values are `null`.
fn access_log(listener: &str) -> Value {
    let format = json!({
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "transport": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "reason": "%FILTER_STATE(wasm.tidegate.reason:PLAIN)%",
        "sent": "%BYTES_SENT%",
    });
    json!({
        "name": "file",
        "typed_config": typed("extensions.access_loggers.file.v3.FileAccessLog", json!({
            "path": format!("access-{listener}.log"),
            "log_format": { "json_format": format },
        })),
    })
}

/// Returns the filter under test with its configuration as a `StringValue`, or without one for
/// `None`.
///
/// The failure policy is Envoy's default: after a trap, every later request fails, so that no test
/// can miss it.
pub fn tidegate(module: &Path, configuration: Option<&str>) -> Value {
    let mut config = json!({
        "name": "tidegate",
        "root_id": "tidegate",
        "vm_config": {
            "runtime": "envoy.wasm.runtime.v8",
            "code": { "local": { "filename": module } },
        },
    });
    if let Some(text) = configuration {
        let value =
            json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": text });
        config = merge(config, json!({ "configuration": value }));
    }
    json!({
        "name": "tidegate",
        "typed_config": typed("extensions.filters.http.wasm.v3.Wasm", json!({ "config": config })),
    })
}

/// Returns the code of a module that Envoy fetches from `/tidegate.wasm` of a server, in place of that of
/// [`tidegate`]. The server is the cluster `server`. After a failure Envoy tries again, at most `retries`
/// times.
pub fn remote_code(server: SocketAddr, sha256: &str, retries: u32) -> Value {
    let uri = format!("http://{server}/tidegate.wasm");
    json!({ "remote": {
        "http_uri": { "uri": uri, "cluster": "server", "timeout": "10s" },
        "sha256": sha256,
        "retry_policy": {
            "num_retries": retries,
            "retry_back_off": { "base_interval": "0.1s", "max_interval": "0.5s" },
        },
    } })
}

/// Returns a cluster of HTTP/1.1 endpoints at these addresses. Without addresses the cluster is
/// empty.
pub fn cluster(name: &str, endpoints: &[SocketAddr]) -> Value {
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|address| json!({ "endpoint": { "address": loopback(address.port()) } }))
        .collect();
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] },
    })
}

/// Returns a cluster of HTTP/2 endpoints without TLS.
pub fn h2_cluster(name: &str, endpoints: &[SocketAddr]) -> Value {
    let options = typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        json!({ "explicit_http_config": { "http2_protocol_options": { "allow_connect": true } } }),
    );
    let extension = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let more = json!({ "typed_extension_protocol_options": { extension: options } });
    merge(cluster(name, endpoints), more)
}

/// Returns a route, named after the cluster, for every path that begins with `prefix`.
pub fn route(prefix: &str, cluster: &str) -> Value {
    json!({ "name": cluster, "match": { "prefix": prefix }, "route": { "cluster": cluster } })
}

/// Returns a typed configuration. `kind` has no leading `envoy.`.
pub fn typed(kind: &str, config: Value) -> Value {
    merge(
        json!({ "@type": format!("type.googleapis.com/envoy.{kind}") }),
        config,
    )
}

/// Returns an address on the loopback interface. Port 0: the kernel chooses a free one.
pub fn loopback(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

/// Merges `more` into `base`: objects are merged, everything else is replaced.
pub fn merge(base: Value, more: Value) -> Value {
    match (base, more) {
        (Value::Object(mut base), Value::Object(more)) => {
            for (key, value) in more {
                let old = base.remove(&key).unwrap_or(Value::Null);
                base.insert(key, merge(old, value));
            }
            Value::Object(base)
        }
        (_, more) => more,
    }
}
