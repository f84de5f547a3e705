//! Envoy in front of the site: its configuration, and the requests that it counts.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::{json, Value};
use tempfile::TempDir;
use tidegate_envoy::{Admin, Options, StartError};

use super::Error;

/// Timeout of the route to the site.
pub(super) const ROUTE_TIMEOUT: Duration = Duration::from_secs(2);
/// Lines at the end of Envoy's log that an error message shows.
const LOG_LINES: usize = 20;
/// Name of the listener, and prefix of its statistics.
const NAME: &str = "shop";
/// Name of the route, and of its policy, that is in maintenance.
pub(super) const MAINTENANCE: &str = "maintenance";
/// Percentage of the requests that take this route (a key of Envoy's runtime).
const MAINTENANCE_SHARE: &str = "demo.maintenance";
/// The labels of the filter's metrics. Envoy merges it into its configuration.
const STATS_TAGS: &str = include_str!("../../../../envoy/stats-tags.yaml");

/// What to run Envoy with.
pub(super) struct Setup<'a> {
    /// The Envoy binary: a path, or a name to look up on `PATH`.
    pub(super) envoy: &'a Path,
    /// The filter module.
    pub(super) module: &'a Path,
    /// The filter configuration, as JSON.
    pub(super) config: &'a str,
    /// Port that visitors use. 0: the kernel chooses a free one.
    pub(super) port: u16,
    /// Port of the site.
    pub(super) site_port: u16,
}

/// A running Envoy. It ends with the demo, even if the demo is killed.
pub(super) struct Envoy {
    envoy: tidegate_envoy::Envoy,
    port: u16,
    _folder: TempDir,
}

/// Number of requests that visitors made, by result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Answered with less than 500.
    pub(super) served: u64,
    /// Answered with 500 or more.
    pub(super) failed: u64,
    /// All requests that have begun.
    pub(super) offered: u64,
    /// Requests that the circuit rejected.
    pub(super) rejected: u64,
    /// State of the circuit, as in the metric `tidegate_breaker_state`.
    pub(super) state: u64,
    /// Share of requests that the circuit admits, in percent.
    pub(super) admitted: u64,
}

impl Envoy {
    /// Starts Envoy and waits until it serves.
    ///
    /// # Errors
    /// If it cannot be run, refuses the module or the configuration, or does not serve in time.
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-demo-")
            .tempdir()
            .map_err(Error::System)?;
        // Envoy prints it with every error.
        let stats_tags = without_comments(STATS_TAGS);
        let arguments = ["--config-yaml", &stats_tags, "--log-level", "warning"];
        let options = Options {
            program: setup.envoy,
            folder: folder.path(),
            folder_is_temporary: true,
            bootstrap: &bootstrap_json(setup),
            concurrency: 2,
            arguments: &[&arguments[..], &["--log-format", "%v"]].concat(),
            environment: &[],
        };
        let envoy = tidegate_envoy::Envoy::start(&options).map_err(|error| match error {
            StartError::Run(error) => Error::EnvoyMissing {
                envoy: setup.envoy.into(),
                error,
            },
            StartError::Ended { status, log } => Error::EnvoyEnded {
                status,
                log: end_of(&log),
            },
            StartError::NotReady { limit, log } => Error::EnvoyNotReady {
                waited: limit,
                log: end_of(&log),
            },
            StartError::System(error) => Error::System(error),
        })?;
        let port = match setup.port {
            0 => {
                let address = envoy.admin().listener(NAME);
                address.map(|address: SocketAddr| address.port())
            }
            port => Some(port),
        };
        Ok(Self {
            envoy,
            port: port.ok_or(Error::EnvoySilent)?,
            _folder: folder,
        })
    }

    /// Returns the port that visitors use.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the exit status and the end of the log if Envoy has ended.
    pub(super) fn ended(&self) -> Option<(ExitStatus, String)> {
        let status = self.envoy.exit_status()?;
        Some((status, end_of(&self.envoy.log())))
    }

    /// Returns the number of requests so far, or `None` if Envoy does not answer.
    pub(super) fn counts(&self) -> Option<Counts> {
        // Anchored (`%5E` is `^`), since the listener has counters of the same name below its own.
        let pattern = format!(
            "%5E(http.{NAME}.downstream_rq_(.xx%7Ctotal)$%7C\
             wasmcustom.tidegate.breaker.(state%7Cadmitted_percent%7Crejected).route)"
        );
        let mut counts = Counts {
            admitted: 100,
            ..Counts::default()
        };
        for (name, value) in self.envoy.admin().stats(&pattern)? {
            let metric = name.strip_prefix("wasmcustom.tidegate.breaker.");
            match metric.and_then(|metric| metric.split('.').next()) {
                Some("state") => counts.state = counts.state.max(value),
                Some("admitted_percent") => counts.admitted = counts.admitted.min(value),
                Some(_) => counts.rejected += value,
                None if name.ends_with("_total") => counts.offered += value,
                None if name.ends_with("_5xx") => counts.failed += value,
                None => counts.served += value,
            }
        }
        Some(counts)
    }

    /// Returns what puts the shop into maintenance, or ends it.
    pub(super) fn maintenance(&self) -> impl Fn(bool) + Send + Sync + 'static {
        let admin: Admin = *self.envoy.admin();
        move |is_on| {
            let share = if is_on { 100 } else { 0 };
            // If Envoy does not answer, the demo is ending.
            let _ = admin.post(&format!("/runtime_modify?{MAINTENANCE_SHARE}={share}"));
        }
    }

    /// Ends Envoy; on return it is gone.
    pub(super) fn stop(mut self) {
        self.envoy.kill();
    }
}

fn without_comments(yaml: &str) -> String {
    let lines = yaml
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Returns the last lines of a log, without the configuration that Envoy repeats in its error.
fn end_of(log: &str) -> String {
    const ECHO: [&str; 2] = [" initializing config '", ".json'"];
    let log = match log.split_once(ECHO[0]) {
        Some((error, echo)) => {
            let after = echo.split_once(ECHO[1]).map_or("", |(_, after)| after);
            format!("{error}{after}")
        }
        None => log.to_owned(),
    };
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

fn route(name: &str, matches: Value) -> Value {
    json!({
        "name": name,
        "match": matches,
        "route": {"cluster": NAME, "timeout": format!("{}s", ROUTE_TIMEOUT.as_secs())},
    })
}

fn bootstrap_json(setup: &Setup<'_>) -> Value {
    let address =
        |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let wasm = json!({
        "name": "tidegate",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "tidegate",
                "failure_policy": "FAIL_RELOAD",
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": setup.config,
                },
                "vm_config": {
                    "vm_id": "tidegate",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": setup.module}},
                },
            },
        },
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        },
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.\
                  http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": NAME,
        "use_remote_address": true,
        "route_config": {
            "name": NAME,
            "virtual_hosts": [{
                "name": NAME,
                "domains": ["*"],
                "routes": [
                    route(MAINTENANCE, json!({
                        "prefix": "/",
                        "runtime_fraction": {
                            "default_value": {"numerator": 0},
                            "runtime_key": MAINTENANCE_SHARE,
                        },
                    })),
                    route(NAME, json!({"prefix": "/"})),
                ],
            }],
        },
        "http_filters": [wasm, router],
    });
    json!({
        "admin": {"address": address(0)},
        // The panel changes the runtime by the administration interface.
        "layered_runtime": {"layers": [{"name": "panel", "admin_layer": {}}]},
        "static_resources": {
            "listeners": [{
                "name": NAME,
                "address": address(setup.port),
                // With it, a second demo could listen on the same port without an error.
                "enable_reuse_port": false,
                "filter_chains": [{
                    "filters": [{
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }],
                }],
            }],
            "clusters": [{
                "name": NAME,
                "type": "STATIC",
                "connect_timeout": "1s",
                "load_assignment": {
                    "cluster_name": NAME,
                    "endpoints": [{
                        "lb_endpoints": [{"endpoint": {"address": address(setup.site_port)}}],
                    }],
                },
            }],
        },
    })
}
