//! A real Prometheus that scrapes, and `promtool`.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::LazyLock;
use std::time::Duration;

use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use serde_json::{json, Value};

use crate::client::{Client, Protocol};
use crate::message::Request;
use crate::process::Program;

/// Limit for everything that Prometheus works towards, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// The output of `scripts/prometheus.sh`: prometheus, promtool.
static TOOLS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    let printed = crate::scripts::lines("prometheus.sh");
    let [prometheus, promtool] = &printed[..] else {
        panic!("scripts/prometheus.sh printed {printed:?}");
    };
    [prometheus.into(), promtool.into()]
});

/// Runs promtool at the root of the workspace and returns its output.
///
/// # Panics
/// If it finds an error.
pub fn promtool(args: &[&str]) -> String {
    let output = Command::new(&TOOLS[1])
        .args(args)
        .current_dir(crate::workspace())
        .stdin(Stdio::null())
        .output()
        .expect("run promtool");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "promtool {args:?}:\n{said}");
    said
}

/// A running Prometheus with its own folder and process group. It ends when dropped.
#[derive(Debug)]
pub struct Prometheus {
    program: Program,
    folder: PathBuf,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes `/stats/prometheus` of `target` several times a second,
    /// with a file of rules of the workspace.
    ///
    /// # Panics
    /// If there is none, or it does not become ready.
    pub fn start(target: SocketAddr, rules: &str) -> Prometheus {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-prometheus-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("make a folder for Prometheus");
        let config = json!({
            "global": { "scrape_interval": "250ms", "evaluation_interval": "250ms" },
            "rule_files": [crate::workspace().join(rules)],
            "scrape_configs": [{
                "job_name": "envoy",
                "metrics_path": "/stats/prometheus",
                "static_configs": [{ "targets": [target.to_string()] }],
            }],
        });
        // JSON is YAML.
        fs::write(folder.join("prometheus.yml"), config.to_string()).expect("write prometheus.yml");
        let log = File::create(folder.join("prometheus.log")).expect("create prometheus.log");
        let mut command = Command::new(&TOOLS[0]);
        command
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .args(["--web.listen-address=127.0.0.1:0", "--log.level=warn"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // From here on the value exists, so a panic below ends the process and shows its log.
        let mut prometheus = Prometheus {
            program: Program::start(command),
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        // Prometheus does not report its port, but the system does.
        prometheus.address = prometheus.wait_for("a port", |prometheus| {
            let port = crate::process::listening(prometheus.program.id())?;
            Some(SocketAddr::from(([127, 0, 0, 1], port)))
        });
        prometheus.wait_for("ready", |prometheus| {
            let (status, _) = prometheus.get("/-/ready").ok()?;
            (status == 200).then_some(())
        });
        prometheus
    }

    /// Returns the current result of a query.
    ///
    /// # Panics
    /// If Prometheus does not understand it.
    pub fn query(&self, query: &str) -> Vec<Value> {
        let mut data = self.api(&format!(
            "query?query={}",
            utf8_percent_encode(query, NON_ALPHANUMERIC)
        ));
        match data["result"].take() {
            Value::Array(found) => found,
            other => panic!("{query}: {other}"),
        }
    }

    /// Waits until a query has a result, and returns it.
    pub fn wait_for_data(&self, query: &str) -> Vec<Value> {
        self.wait_for(&format!("data of {query}"), |prometheus| {
            Some(prometheus.query(query)).filter(|found| !found.is_empty())
        })
    }

    /// Returns the values of a label among the series that match.
    ///
    /// # Panics
    /// If Prometheus does not understand it.
    pub fn label_values(&self, label: &str, matching: &str) -> Vec<String> {
        let values = self.api(&format!(
            "label/{label}/values?match[]={}",
            utf8_percent_encode(matching, NON_ALPHANUMERIC)
        ));
        serde_json::from_value(values).expect("a list of texts")
    }

    /// Returns the loaded rules with name, kind, health and last error.
    pub fn rules(&self) -> Vec<Value> {
        let data = self.api("rules");
        let groups = data["groups"].as_array().expect("groups").iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules"));
        rules.cloned().collect()
    }

    /// Polls until `probe` returns a value.
    ///
    /// # Panics
    /// If the limit passes, or Prometheus ends.
    pub fn wait_for<T>(&self, what: &str, probe: impl Fn(&Self) -> Option<T>) -> T {
        let ended = || self.program.has_ended().then_some(None);
        let probe = || probe(self).map(Some).or_else(ended);
        match tidegate_envoy::wait_until(LIMIT, || None, probe) {
            Ok(Some(value)) => value,
            Ok(None) => panic!("Prometheus ended before: {what}"),
            Err(error) => panic!("{error}: {what}"),
        }
    }

    fn api(&self, path: &str) -> Value {
        let path = format!("/api/v1/{path}");
        let (status, body) = self.get(&path).expect("ask Prometheus");
        let mut body: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}"));
        assert_eq!(status, 200, "{path}: {body}");
        body["data"].take()
    }

    fn get(&self, path: &str) -> Result<(u16, String), String> {
        let client = Client::new(Protocol::H1, self.address);
        let request = Request::get(path).header("connection", "close");
        let response = crate::runtime().block_on(client.send(&request))?;
        let body = String::from_utf8_lossy(&response.body).into_owned();
        Ok((response.status, body))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read(self.folder.join("prometheus.log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            eprintln!("--- log of Prometheus ---\n{log}---");
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
