//! Envoy in front of the site: its configuration, its life, and what it counts.
//!
//! Envoy must not outlive the demo, not even one that is killed outright and can clean up nothing.
//! So it runs in the process group of a guard, a shell that waits on a pipe which only the demo
//! holds open: when the demo ends, in whatever way, the kernel closes the pipe, and the guard ends
//! the group. (Linux could tell Envoy of its parent's death directly; macOS could not.)

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Error;
use crate::http::lock;

/// How long the route waits for the site.
pub(super) const ROUTE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long Envoy may take to start; compiling the module takes seconds on a slow machine.
const START: Duration = Duration::from_secs(60);
/// Lines of Envoy's log that are kept for the message when it fails.
const LOG_LINES: usize = 20;
/// Name of the listener, and prefix of its statistics.
const NAME: &str = "shop";
/// The labels of the filter's metrics. Envoy merges it into its configuration.
const STATS_TAGS: &str = include_str!("../../../../envoy/stats-tags.yaml");
/// Waits for the end of the demo, then takes its own process group, Envoy in it, and the folder.
/// A Ctrl-C at the terminal does not reach it, and a `kill` of the group must not end it alone.
const GUARD: &str = r#"trap "" HUP INT TERM; read -r _; rm -rf -- "$0"; kill -KILL 0"#;

/// What Envoy is to run with.
pub(super) struct Setup<'a> {
    /// The Envoy binary: a path, or a name to look up on `PATH`.
    pub(super) envoy: &'a Path,
    /// The filter module.
    pub(super) module: &'a Path,
    /// The filter configuration, as JSON.
    pub(super) config: &'a str,
    /// Port that visitors use; 0: a free one.
    pub(super) port: u16,
    /// Port of the site.
    pub(super) site_port: u16,
}

/// A running Envoy.
pub(super) struct Envoy {
    process: Child,
    guard: Guard,
    log: Log,
    admin: SocketAddr,
    port: u16,
}

/// Requests that visitors made, by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Answered with less than 500.
    pub(super) served: u64,
    /// Answered with 500 or more.
    pub(super) failed: u64,
}

impl Envoy {
    /// Starts Envoy and waits until it serves.
    ///
    /// # Errors
    /// It cannot be run, refuses the module or the configuration, or does not serve in time.
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("tidegate-demo-").tempdir();
        let folder = folder.map_err(Error::System)?;
        let bootstrap = folder.path().join("envoy.json");
        let admin_file = folder.path().join("admin");
        std::fs::write(&bootstrap, bootstrap_json(setup).to_string()).map_err(Error::System)?;
        let guard = Guard::start(folder.path()).map_err(Error::System)?;
        let mut process = Command::new(setup.envoy)
            .arg("--config-path")
            .arg(&bootstrap)
            .args(["--config-yaml", STATS_TAGS])
            .arg("--admin-address-path")
            .arg(&admin_file)
            // Shared memory by which another Envoy on this machine could be disturbed.
            .arg("--disable-hot-restart")
            .args([
                "--concurrency",
                "2",
                "--log-level",
                "warning",
                "--log-format",
                "%v",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(guard.group())
            .spawn()
            .map_err(|error| Error::EnvoyMissing {
                envoy: setup.envoy.into(),
                error,
            })?;
        let log = Log::read(&mut process).map_err(Error::System)?;
        let deadline = Instant::now() + START;
        // Until then nothing is known of it; the answer to "are you ready" is all there is.
        let admin = loop {
            if let Some(address) = ready(&admin_file) {
                break address;
            }
            if let Some(status) = process.try_wait().map_err(Error::System)? {
                return Err(Error::EnvoyEnded {
                    status,
                    log: log.finish(),
                });
            }
            if Instant::now() > deadline {
                return Err(Error::EnvoyNotReady {
                    waited: START,
                    log: log.last(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let port = match setup.port {
            0 => listener_port(admin).ok_or(Error::EnvoySilent)?,
            port => port,
        };
        Ok(Self {
            process,
            guard,
            log,
            admin,
            port,
        })
    }

    /// The port that visitors use.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// How Envoy ended, if it did, with the end of its log.
    pub(super) fn ended(&mut self) -> Option<(ExitStatus, String)> {
        let status = self.process.try_wait().ok()??;
        Some((status, self.log.last()))
    }

    /// What visitors got so far; `None` when Envoy does not say.
    pub(super) fn counts(&self) -> Option<Counts> {
        // Anchored (`%5E` is `^`): the listener has counters of the same name below its own.
        let path = format!("/stats?filter=%5Ehttp.{NAME}.downstream_rq_.xx$");
        let mut counts = Counts::default();
        for line in ask(self.admin, &path)?.lines() {
            let (name, value) = line.split_once(": ")?;
            let value: u64 = value.trim().parse().ok()?;
            match name.ends_with("_5xx") {
                true => counts.failed += value,
                false => counts.served += value,
            }
        }
        Some(counts)
    }

    /// Ends Envoy and everything it started; on return it is gone.
    pub(super) fn stop(mut self) {
        self.guard.spring();
        // The guard has done this, unless somebody ended the guard first.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process that outlives the demo for as long as it takes to end Envoy.
struct Guard {
    process: Child,
}

impl Guard {
    fn start(folder: &Path) -> std::io::Result<Self> {
        let process = Command::new("/bin/sh")
            .args(["-c", GUARD])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own, of which it is the leader: as long as it lives, nobody else's
            // group can have this number.
            .process_group(0)
            .spawn()?;
        Ok(Self { process })
    }

    fn group(&self) -> i32 {
        // A process id is positive and fits: that is its type in the system.
        i32::try_from(self.process.id()).unwrap_or_default()
    }

    fn spring(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.spring();
    }
}

/// The end of Envoy's log.
struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    reading: JoinHandle<()>,
}

impl Log {
    fn read(process: &mut Child) -> std::io::Result<Self> {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (stderr, kept) = (process.stderr.take(), lines.clone());
        let reading = std::thread::Builder::new()
            .name("envoy log".into())
            .spawn(move || {
                let Some(stderr) = stderr else { return };
                for line in BufReader::new(stderr).split(b'\n') {
                    let Ok(line) = line else { return };
                    let mut kept = lock(&kept);
                    if kept.len() == LOG_LINES {
                        kept.pop_front();
                    }
                    kept.push_back(String::from_utf8_lossy(&line).into_owned());
                }
            })?;
        Ok(Self { lines, reading })
    }

    fn last(&self) -> String {
        let lines: Vec<String> = lock(&self.lines).iter().cloned().collect();
        lines.join("\n")
    }

    /// The end of the log of an Envoy that has ended.
    fn finish(self) -> String {
        let lines = self.lines.clone();
        let _ = self.reading.join();
        let lines: Vec<String> = lock(&lines).iter().cloned().collect();
        lines.join("\n")
    }
}

/// Envoy's administration address, once it serves.
fn ready(admin_file: &Path) -> Option<SocketAddr> {
    let address = std::fs::read_to_string(admin_file)
        .ok()?
        .trim()
        .parse()
        .ok()?;
    (ask(address, "/ready")?.trim() == "LIVE").then_some(address)
}

/// The port that the kernel gave the listener.
fn listener_port(admin: SocketAddr) -> Option<u16> {
    let listeners = ask(admin, "/listeners?format=json")?;
    let listeners: serde_json::Value = serde_json::from_str(&listeners).ok()?;
    let port = listeners.pointer("/listener_statuses/0/local_address/socket_address/port_value")?;
    u16::try_from(port.as_u64()?).ok()
}

/// A body from Envoy's administration interface, if it is a good one.
fn ask(admin: SocketAddr, path: &str) -> Option<String> {
    let response = minreq::get(format!("http://{admin}{path}"))
        .with_timeout(5)
        .send()
        .ok()?;
    (response.status_code == 200).then(|| response.as_str().ok().map(str::to_owned))?
}

fn bootstrap_json(setup: &Setup<'_>) -> serde_json::Value {
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
                "routes": [{
                    "name": NAME,
                    "match": {"prefix": "/"},
                    "route": {
                        "cluster": NAME,
                        "timeout": format!("{}s", ROUTE_TIMEOUT.as_secs()),
                    },
                }],
            }],
        },
        "http_filters": [wasm, router],
    });
    json!({
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{
                "name": NAME,
                "address": address(setup.port),
                // Else a second demo would share the port with this one, without a word.
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
