//! A real Envoy, its files, and its end.
//!
//! Every Envoy gets a folder of its own, ports chosen by the kernel (asked for afterwards, so that
//! nothing can race for them) and a process group of its own, and ends with the value that stands
//! for it. Its end is part of every test: an Envoy that did not end cleanly, or whose log knows of
//! a module that died, fails the test that started it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{mpsc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Client, Protocol};
use crate::config::Bootstrap;
use crate::message::Request;

/// How long an Envoy may take to be ready: compiling the module dominates, and a busy machine
/// with few cores needs its time.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a condition that Envoy works towards may take.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// What the logs of an Envoy never say while the filter is well.
const SIGNS_OF_DEATH: [&str; 6] = [
    "Uncaught RuntimeError",
    "panicked",
    "wasm_fail_stream",
    "proxy_on_",
    "[critical]",
    "Backtrace",
];

/// What Envoy calls critical too: a configuration that the module refuses.
const REFUSED_CONFIGURATION: &str = "failed to load";

/// The lines of an Envoy's log that speak of a module that died.
pub fn signs_of_death(log: &str) -> Vec<String> {
    log.lines()
        .filter(|line| SIGNS_OF_DEATH.iter().any(|sign| line.contains(sign)))
        .filter(|line| !line.contains(REFUSED_CONFIGURATION))
        .map(str::to_owned)
        .collect()
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    dir: PathBuf,
    admin: SocketAddr,
}

impl Envoy {
    /// Starts an Envoy and waits until it listens on every listener of the configuration.
    ///
    /// # Panics
    /// If there is no Envoy, or it does not become ready.
    pub fn start(bootstrap: &Bootstrap) -> Envoy {
        let dir = new_dir();
        write_listeners(&dir, &bootstrap.listeners);
        fs::write(dir.join("envoy.json"), bootstrap.json().to_string()).expect("write envoy.json");
        let log = File::create(dir.join("envoy.log")).expect("create envoy.log");
        let mut command = Command::new(binary());
        command
            .args(["-c", "envoy.json", "--admin-address-path", "admin.txt"])
            .args(["--disable-hot-restart", "--file-flush-interval-msec", "20"])
            .args(["--drain-time-s", "0"])
            // At the level info, "main" lists every extension and header that Envoy knows.
            .args([
                "--log-level",
                "info",
                "--component-log-level",
                "main:warning",
            ])
            .arg("--concurrency")
            .arg(bootstrap.concurrency.to_string())
            .current_dir(&dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = spawn(command);
        // From here on the value exists, so that a panic below ends the process and shows its log.
        let mut envoy = Envoy {
            child,
            dir,
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        envoy.admin = envoy.wait_for("the address of the admin port", START_LIMIT, |e| {
            fs::read_to_string(e.dir.join("admin.txt"))
                .ok()?
                .trim()
                .parse()
                .ok()
        });
        envoy.wait_for("ready", START_LIMIT, |e| {
            e.ask_admin("/ready")
                .ok()
                .filter(|(status, _)| *status == 200)
                .map(drop)
        });
        assert_eq!(
            envoy.stat("listener_manager.lds.update_rejected"),
            0,
            "Envoy refuses the listeners"
        );
        envoy.wait_for("listening", START_LIMIT, |e| {
            bootstrap
                .names()
                .iter()
                .all(|name| e.address(name).is_some())
                .then_some(())
        });
        envoy
    }

    /// Whether Envoy would start with the configuration: `envoy --mode validate`, which starts the
    /// module and gives it its own configuration. The error is what Envoy said.
    ///
    /// # Errors
    /// If it would not.
    pub fn validate(bootstrap: &Bootstrap) -> Result<(), String> {
        let dir = new_dir();
        fs::write(dir.join("envoy.json"), bootstrap.static_json().to_string())
            .expect("write envoy.json");
        let output = Command::new(binary())
            .args(["--mode", "validate", "-c", "envoy.json"])
            .current_dir(&dir)
            .stdin(Stdio::null())
            .output()
            .expect("run Envoy");
        let _ = fs::remove_dir_all(&dir);
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// The program itself.
    pub fn program() -> PathBuf {
        binary()
    }

    /// The address of a listener.
    ///
    /// # Panics
    /// If there is no listener of that name.
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.address(name)
            .unwrap_or_else(|| panic!("no listener {name}"))
    }

    /// Its folder: configuration, log, access logs. It goes with a test that passes, and stays with
    /// one that fails.
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// The address of the admin port.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The processor time of all its threads so far.
    ///
    /// # Panics
    /// If the system does not tell (Linux does).
    pub fn processor_time(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.child.id());
        let tasks = fs::read_dir(tasks).expect("the threads of Envoy");
        let nanoseconds = tasks.filter_map(|task| {
            // proc(5): nanoseconds on a processor, nanoseconds waiting for one, time slices.
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// A counter or gauge by its whole name; one that does not exist yet is 0.
    pub fn stat(&self, name: &str) -> u64 {
        let pattern = name.replace('.', "%5C.");
        let (_, body) = self
            .ask_admin(&format!("/stats?filter=^{pattern}$"))
            .expect("ask for a statistic");
        body.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map_or(0, |value| value.trim().parse().expect("a number"))
    }

    /// Waits until all counters that a pattern of the administration interface finds come to at
    /// least `least`, and returns them.
    pub fn wait_for_stats(&self, pattern: &str, least: u64) -> Vec<(String, u64)> {
        self.wait_for(&format!("{pattern} >= {least}"), WAIT_LIMIT, |e| {
            let (_, body) = e.ask_admin(&format!("/stats?filter={pattern}")).ok()?;
            let pair = |line: &str| {
                let (name, value) = line.split_once(": ")?;
                Some((name.to_owned(), value.trim().parse::<u64>().ok()?))
            };
            let stats: Vec<_> = body.lines().filter_map(pair).collect();
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

    /// Puts other listeners in force, as a control plane would (the file is moved into place).
    /// Returns when Envoy has taken or refused them.
    pub fn replace_listeners(&self, listeners: &[Value]) {
        let before = self.stat("listener_manager.lds.update_attempt");
        write_listeners(&self.dir, listeners);
        self.wait_for("the listeners to be read", WAIT_LIMIT, |e| {
            let settled = e.stat("listener_manager.lds.update_success")
                + e.stat("listener_manager.lds.update_rejected")
                + e.stat("listener_manager.lds.update_failure");
            let going = e.stat("listener_manager.total_listeners_warming")
                + e.stat("listener_manager.total_listeners_draining");
            (settled > before && going == 0).then_some(())
        });
    }

    /// Everything that Envoy has logged so far.
    pub fn log(&self) -> String {
        read_lossy(&self.dir.join("envoy.log"))
    }

    /// Waits until the log holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        self.wait_for(&format!("{text:?} in the log"), WAIT_LIMIT, |e| {
            e.log().contains(text).then_some(())
        });
    }

    /// The access log of a listener: one JSON object for each request that has ended.
    pub fn access_log(&self, listener: &str) -> Vec<Value> {
        read_lossy(&self.dir.join(format!("access-{listener}.log")))
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until the access log of a listener has that many lines, and returns them.
    pub fn wait_for_access_lines(&self, listener: &str, least: usize) -> Vec<Value> {
        self.wait_for(
            &format!("{least} lines in the access log"),
            WAIT_LIMIT,
            |e| Some(e.access_log(listener)).filter(|lines| lines.len() >= least),
        )
    }

    /// Waits for the access log line of the request whose `:path` is exactly `path`.
    pub fn wait_for_access(&self, listener: &str, path: &str) -> Value {
        self.wait_for(&format!("{path} in the access log"), WAIT_LIMIT, |e| {
            e.access_log(listener)
                .into_iter()
                .find(|line| line["path"] == path)
        })
    }

    /// Status and body.
    pub(crate) fn ask_admin(&self, path: &str) -> Result<(u16, String), String> {
        let client = Client::new(Protocol::H1, self.admin);
        let request = Request::get(path).header("connection", "close");
        let response = crate::runtime().block_on(client.send(&request))?;
        Ok((
            response.status,
            String::from_utf8_lossy(&response.body).into_owned(),
        ))
    }

    fn address(&self, listener: &str) -> Option<SocketAddr> {
        let (_, body) = self.ask_admin("/listeners?format=json").ok()?;
        let body: Value = serde_json::from_str(&body).ok()?;
        let status = body["listener_statuses"]
            .as_array()?
            .iter()
            .find(|status| status["name"] == listener)?;
        let socket = &status["local_address"]["socket_address"];
        let port = socket["port_value"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())?;
        (port != 0).then(|| SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Polls until `probe` has an answer, Envoy is gone, or the limit has passed.
    fn wait_for<T>(&self, what: &str, limit: Duration, probe: impl Fn(&Self) -> Option<T>) -> T {
        let end = Instant::now() + limit;
        loop {
            if let Some(answer) = probe(self) {
                return answer;
            }
            assert!(!self.has_ended(), "Envoy ended before: {what}");
            assert!(Instant::now() < end, "not in {limit:?}: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn has_ended(&self) -> bool {
        // SAFETY: waitid with WNOWAIT only looks at the state of our own child, leaves it to be
        // waited for, and writes to the zeroed structure that lives here.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let id = self.child.id() as libc::id_t;
        let rc = unsafe { libc::waitid(libc::P_PID, id, &mut info, flags) };
        rc != 0 || info.si_signo != 0
    }

    /// Ends the process group and returns whether Envoy ended well.
    fn stop(&mut self) -> Result<(), String> {
        if self.has_ended() {
            let status = self.child.wait().map_err(|e| e.to_string())?;
            return Err(format!("Envoy ended by itself: {status}"));
        }
        self.signal(libc::SIGTERM);
        let end = Instant::now() + WAIT_LIMIT;
        while !self.has_ended() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        let late = !self.has_ended();
        // The leader may have left children behind; its id stays ours until it is waited for.
        self.signal(libc::SIGKILL);
        let status = self.child.wait().map_err(|e| e.to_string())?;
        match (late, status.success()) {
            (true, _) => Err("Envoy did not end on SIGTERM".to_owned()),
            (false, true) => Ok(()),
            (false, false) => Err(format!("Envoy ended badly: {status}")),
        }
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: a plain system call; the group is the one that we made and have not waited for.
        unsafe { libc::killpg(self.child.id() as libc::pid_t, signal) };
    }

    /// The lines of the logs that speak of a module that died.
    fn signs_of_death(&self) -> Vec<String> {
        let files = fs::read_dir(&self.dir).expect("list the folder of Envoy");
        files
            .map(|entry| entry.expect("list the folder of Envoy").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .flat_map(|path| signs_of_death(&read_lossy(&path)))
            .collect()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let end = self.stop();
        let signs = self.signs_of_death();
        if std::thread::panicking() || end.is_err() || !signs.is_empty() {
            eprintln!(
                "--- log of Envoy ({}) ---\n{}---",
                self.dir.display(),
                self.log()
            );
            // The folder stays, for whoever has to find out.
            if !std::thread::panicking() {
                panic!("{:?}; signs of a dead module: {signs:#?}", end.err());
            }
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// The Envoy to test with, as `scripts/envoy.sh` finds it: `$ENVOY`, else `envoy` on the PATH, else
/// the pinned one, which it installs where needed (that can take a while the first time).
///
/// # Panics
/// If there is none: tests that need Envoy are never skipped.
pub fn binary() -> PathBuf {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| script("envoy.sh"));
    BINARY.clone()
}

/// The path that a script of `scripts/` prints.
pub(crate) fn script(name: &str) -> PathBuf {
    let printed = script_lines(name);
    let found = PathBuf::from(printed.first().map_or("", String::as_str));
    assert!(
        found.is_file(),
        "scripts/{name} printed {printed:?}, which is no file"
    );
    found
}

/// The lines that a script of `scripts/` prints.
pub(crate) fn script_lines(name: &str) -> Vec<String> {
    let path = crate::workspace().join("scripts").join(name);
    let output = Command::new(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", path.display()));
    assert!(
        output.status.success(),
        "{} failed: {}",
        path.display(),
        output.status
    );
    let printed = String::from_utf8(output.stdout).expect("lines in UTF-8");
    printed.lines().map(str::to_owned).collect()
}

/// Starts a process that does not outlive this one, even if this one is killed.
///
/// Linux ends such a child with the *thread* that started it, and tests are threads: so all of them
/// are started by one thread that stays.
pub(crate) fn spawn(command: Command) -> Child {
    type Job = (Command, mpsc::Sender<std::io::Result<Child>>);
    static STARTER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in queue {
                die_with_parent(&mut command);
                let _ = answer.send(command.spawn());
            }
        });
        jobs
    });
    let (answer, started) = mpsc::channel();
    let shown = format!("{command:?}");
    STARTER
        .send((command, answer))
        .expect("the starter thread is there");
    let child = started.recv().expect("the starter thread answers");
    child.unwrap_or_else(|error| panic!("cannot start {shown}: {error}"))
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only a system call is made, which is async-signal-safe.
    unsafe {
        command.pre_exec(
            || match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            },
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

fn new_dir() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tidegate-e2e-{}-{count}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    // A process of the same id may have left one behind when it was killed.
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("lds")).expect("make a folder for Envoy");
    dir
}

fn write_listeners(dir: &Path, listeners: &[Value]) {
    let next = dir.join("lds.next");
    let response = Bootstrap::discovery_response(listeners);
    fs::write(&next, response.to_string()).expect("write the listeners");
    fs::rename(next, dir.join("lds/lds.json")).expect("move the listeners into place");
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
