//! An Envoy under test: its configuration files, statistics and logs.
//!
//! `tidegate-envoy` starts and ends the process. Here every Envoy gets a folder of its own and its
//! listeners from a file, which a test can replace. The end of an Envoy is part of every test: one
//! that did not end cleanly, or whose log shows that a module died, fails the test that started it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use serde_json::Value;
use tidegate_envoy::{Admin, Options, WaitError};

use crate::config::Bootstrap;

/// Limit for the listeners to be ready: compiling the module dominates.
const START_LIMIT: Duration = tidegate_envoy::START_LIMIT;

/// Limit for everything else that Envoy works towards.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// Parts of log lines that appear only if a module died.
const SIGNS_OF_DEATH: [&str; 6] = [
    "Uncaught RuntimeError",
    "panicked",
    "wasm_fail_stream",
    "proxy_on_",
    "[critical]",
    "Backtrace",
];

/// Part of the critical log line for a configuration that the module refuses, which is no sign of
/// death.
const REFUSED_CONFIGURATION: &str = "failed to load";

/// Returns the lines of a log that show that a module died.
pub fn signs_of_death(log: &str) -> Vec<String> {
    log.lines()
        .filter(|line| SIGNS_OF_DEATH.iter().any(|sign| line.contains(sign)))
        .filter(|line| !line.contains(REFUSED_CONFIGURATION))
        .map(str::to_owned)
        .collect()
}

/// A running Envoy. Dropping it ends it and checks its end.
#[derive(Debug)]
pub struct Envoy {
    envoy: tidegate_envoy::Envoy,
    started: Instant,
    workers: u32,
    kills_modules: bool,
}

impl Envoy {
    /// Starts an Envoy and waits until it listens on every listener of the configuration.
    ///
    /// # Panics
    /// If there is no Envoy, or it does not become ready.
    pub fn start(bootstrap: &Bootstrap) -> Envoy {
        let envoy = Self::launch(bootstrap);
        assert_eq!(
            envoy.stat("listener_manager.lds.update_rejected"),
            0,
            "Envoy refuses the listeners"
        );
        envoy.wait_for("listening", START_LIMIT, |e| {
            bootstrap
                .names()
                .iter()
                .all(|name| e.admin().listener(name).is_some())
                .then_some(())
        });
        envoy
    }

    /// Starts an Envoy and waits until it is live; it may refuse its listeners.
    ///
    /// # Panics
    /// If there is no Envoy, or it does not become live.
    pub fn launch(bootstrap: &Bootstrap) -> Envoy {
        let dir = new_dir();
        for (name, content) in &bootstrap.files {
            move_into_place(&dir, name, content);
        }
        write_listeners(&dir, &bootstrap.listeners);
        let envoy = tidegate_envoy::Envoy::start(&Options {
            program: &binary(),
            folder: &dir,
            folder_is_temporary: false,
            bootstrap: &bootstrap.json(),
            concurrency: bootstrap.concurrency,
            arguments: &[
                "--file-flush-interval-msec",
                "20",
                "--drain-time-s",
                "0",
                // At level info, `main` lists every extension and header that Envoy knows.
                "--log-level",
                "info",
                "--component-log-level",
                "main:warning",
            ],
            environment: &bootstrap.environment,
        });
        Envoy {
            envoy: envoy.unwrap_or_else(|error| panic!("{}: {error}", dir.display())),
            started: Instant::now(),
            workers: bootstrap.concurrency,
            kills_modules: bootstrap.kills_modules,
        }
    }

    /// Checks with `envoy --mode validate` whether Envoy would start with the configuration. This
    /// also starts the module and gives it its own configuration. The error is what Envoy wrote.
    ///
    /// # Errors
    /// If Envoy would not start.
    pub fn validate(bootstrap: &Bootstrap) -> Result<(), String> {
        Self::validate_text("envoy.json", &bootstrap.static_json().to_string())
    }

    /// Checks a configuration in YAML or JSON, as the name of its file says, in the same way.
    ///
    /// # Errors
    /// If Envoy would not start.
    pub fn validate_text(name: &str, configuration: &str) -> Result<(), String> {
        let dir = new_dir();
        fs::write(dir.join(name), configuration).expect("write the configuration");
        let result = validate(&dir, Path::new(name)).map(drop);
        let _ = fs::remove_dir_all(&dir);
        result
    }

    /// Returns the address of a listener.
    ///
    /// # Panics
    /// If there is no listener with that name.
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.admin()
            .listener(name)
            .unwrap_or_else(|| panic!("no listener {name}"))
    }

    /// Returns the folder of this Envoy: configuration, log, access logs. It is removed when the
    /// test passes and kept when it fails.
    pub fn folder(&self) -> &Path {
        self.envoy.folder()
    }

    /// Returns the administration interface.
    pub fn admin(&self) -> &Admin {
        self.envoy.admin()
    }

    /// Returns the processor time that all threads of Envoy have used.
    ///
    /// # Panics
    /// If `/proc` does not have it (Linux has).
    pub fn processor_time(&self) -> Duration {
        self.envoy.processor_time().expect("the threads of Envoy")
    }

    /// Returns the share of the time since its start for which a worker has waited for a processor, in
    /// the mean of all. It is 0 where `/proc` does not have it.
    pub fn waited(&self) -> f64 {
        // The other threads have little to do.
        let waited = self.envoy.processor_wait().unwrap_or_default() / self.workers;
        waited.as_secs_f64() / self.started.elapsed().as_secs_f64()
    }

    /// Returns the sizes in bytes of the memories of all wasm VMs, the largest first.
    ///
    /// # Panics
    /// If `/proc` does not have it (Linux has).
    pub fn wasm_memories(&self) -> Vec<u64> {
        self.envoy.wasm_memories().expect("the memory map of Envoy")
    }

    /// Returns a counter or gauge by its full name, or 0 if it does not exist yet.
    ///
    /// # Panics
    /// If Envoy does not answer.
    pub fn stat(&self, name: &str) -> u64 {
        let mut pattern = String::from("^");
        for letter in name.chars() {
            // Names of clusters have letters that mean something in a regular expression.
            if letter.is_ascii_punctuation() {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('$');
        let pattern = utf8_percent_encode(&pattern, NON_ALPHANUMERIC).to_string();
        let stats = self.admin().stats(&pattern).expect("ask for a statistic");
        stats.first().map_or(0, |(_, value)| *value)
    }

    /// Waits until the counters whose names match a pattern (see [`Admin::stats`]) add up to at
    /// least `least`, and returns them.
    pub fn wait_for_stats(&self, pattern: &str, least: u64) -> Vec<(String, u64)> {
        self.wait_for(&format!("{pattern} >= {least}"), WAIT_LIMIT, |e| {
            let stats = e.admin().stats(pattern)?;
            let sum: u64 = stats.iter().map(|(_, value)| value).sum();
            (sum >= least).then_some(stats)
        })
    }

    /// Waits until a counter or gauge is at least `least`, and returns it.
    pub fn wait_for_stat(&self, name: &str, least: u64) -> u64 {
        self.wait_for(&format!("{name} >= {least}"), WAIT_LIMIT, |e| {
            let value = e.stat(name);
            (value >= least).then_some(value)
        })
    }

    /// Replaces the listeners, as a control plane would: the new file is moved into place. Returns
    /// when Envoy has accepted or refused them.
    pub fn replace_listeners(&self, listeners: &[Value]) {
        let before = self.stat("listener_manager.lds.update_attempt");
        self.offer_listeners(listeners);
        self.wait_for("the listeners to be read", WAIT_LIMIT, |e| {
            let settled = e.stat("listener_manager.lds.update_success")
                + e.stat("listener_manager.lds.update_rejected")
                + e.stat("listener_manager.lds.update_failure");
            let going = e.stat("listener_manager.total_listeners_warming")
                + e.stat("listener_manager.total_listeners_draining");
            (settled > before && going == 0).then_some(())
        });
    }

    /// Moves the file of the listeners into place and returns at once. Envoy may not even have read it.
    pub fn offer_listeners(&self, listeners: &[Value]) {
        write_listeners(self.folder(), listeners);
    }

    /// Moves another content of one of [`Bootstrap::files`] into place and returns at once.
    pub fn replace_file(&self, name: &str, content: &Value) {
        move_into_place(self.folder(), name, content);
    }

    /// Returns everything that Envoy has logged.
    pub fn log(&self) -> String {
        self.envoy.log()
    }

    /// Waits until the log holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        self.wait_for(&format!("{text:?} in the log"), WAIT_LIMIT, |e| {
            e.log().contains(text).then_some(())
        });
    }

    /// Returns the access log of a listener: one JSON object for each request that has ended.
    pub fn access_log(&self, listener: &str) -> Vec<Value> {
        read_lossy(&self.folder().join(format!("access-{listener}.log")))
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until the access log of a listener has at least `least` lines, and returns them.
    pub fn wait_for_access_lines(&self, listener: &str, least: usize) -> Vec<Value> {
        self.wait_for(
            &format!("{least} lines in the access log"),
            WAIT_LIMIT,
            |e| Some(e.access_log(listener)).filter(|lines| lines.len() >= least),
        )
    }

    /// Waits for the access log line of the request with exactly this `:path`.
    pub fn wait_for_access(&self, listener: &str, path: &str) -> Value {
        self.wait_for(&format!("{path} in the access log"), WAIT_LIMIT, |e| {
            e.access_log(listener)
                .into_iter()
                .find(|line| line["path"] == path)
        })
    }

    /// Polls until `probe` returns a value.
    ///
    /// # Panics
    /// If Envoy ends first, or the limit passes.
    fn wait_for<T>(&self, what: &str, limit: Duration, probe: impl Fn(&Self) -> Option<T>) -> T {
        match self.envoy.wait_for(limit, |_| probe(self)) {
            Ok(value) => value,
            Err(WaitError::Ended(status)) => panic!("Envoy ended ({status}) before: {what}"),
            Err(WaitError::Overdue(limit)) => panic!("not within {limit:?}: {what}"),
        }
    }

    /// Returns the lines of its logs that show that a module died.
    fn signs_of_death(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder()).expect("list the folder of Envoy");
        files
            .map(|entry| entry.expect("list the folder of Envoy").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .flat_map(|path| signs_of_death(&read_lossy(&path)))
            .collect()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let end = self.envoy.stop();
        let signs = match self.kills_modules {
            true => Vec::new(),
            false => self.signs_of_death(),
        };
        if std::thread::panicking() || end.is_err() || !signs.is_empty() {
            // The folder is kept for whoever looks for the cause.
            eprintln!(
                "--- log of Envoy ({}) ---\n{}---",
                self.folder().display(),
                self.log()
            );
            if !std::thread::panicking() {
                panic!("{:?}; signs of a dead module: {signs:#?}", end.err());
            }
        } else {
            let _ = fs::remove_dir_all(self.folder());
        }
    }
}

/// Returns the Envoy to test with, as `scripts/envoy.sh` finds it: `$ENVOY`, else `envoy` on the
/// PATH, else the pinned version, which the script installs if needed.
///
/// # Panics
/// If there is none: tests that need Envoy are never skipped.
pub fn binary() -> PathBuf {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| crate::scripts::path("envoy.sh"));
    BINARY.clone()
}

/// Runs `envoy --mode validate` in a folder and returns its log. The error is what Envoy wrote.
///
/// # Errors
/// If Envoy would not start with the configuration.
pub fn validate(folder: &Path, config: &Path) -> Result<String, String> {
    let output = tidegate_envoy::validate(&binary(), folder, config).expect("run Envoy");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(log),
        false => Err(log),
    }
}

fn new_dir() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tidegate-e2e-{}-{count}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    // A killed process with the same id may have left one.
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("lds")).expect("make a folder for Envoy");
    dir
}

fn write_listeners(dir: &Path, listeners: &[Value]) {
    let response = Bootstrap::discovery_response(listeners);
    move_into_place(dir, "lds/lds.json", &response);
}

/// Envoy must never read half a file, so it is written elsewhere first.
fn move_into_place(dir: &Path, name: &str, content: &Value) {
    let next = dir.join("next.json");
    fs::write(&next, content.to_string()).expect("write a file for Envoy");
    fs::rename(next, dir.join(name)).expect("move the file into place");
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
