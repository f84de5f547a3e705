//! Starts an Envoy, waits until it serves, asks it, and ends it.
//!
//! The demo, the end-to-end tests and the benchmarks run Envoys through this crate. The rules are
//! the same for all:
//!
//! * Each Envoy has a folder of its own: `envoy.json`, `envoy.log`, and `admin.txt` with its
//!   administration address.
//! * Ports are 0 in the configuration. The kernel chooses them, and [`Admin`] reads them from
//!   Envoy, so nothing can take a port between its choice and its use.
//! * Envoys run with `--disable-hot-restart`. Without it, those with the same base id share memory.
//! * Conditions are polled with a time limit; nothing sleeps for a fixed time.
//! * Each Envoy runs in a [`ProcessGroup`] of its own, which ends with the process that started it,
//!   even if that process is killed. Ending an Envoy ends its group and nothing else.
//!
//! The caller names the program. In this repository `scripts/envoy.sh` finds or installs one.
#![forbid(unsafe_code)]

mod admin;
mod group;
mod wait;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{self, Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{kill_process, Pid, Signal};

pub use admin::Admin;
pub use group::ProcessGroup;
pub use wait::{wait_until, WaitError};

/// Limit for an Envoy to serve. Compiling the module dominates; on a busy machine with few cores it
/// takes seconds.
pub const START_LIMIT: Duration = Duration::from_secs(60);
/// Limit for an Envoy to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(20);

const CONFIG_FILE: &str = "envoy.json";
const ADMIN_FILE: &str = "admin.txt";
const LOG_FILE: &str = "envoy.log";

/// How to start an Envoy.
#[derive(Debug)]
pub struct Options<'a> {
    /// The Envoy binary: a path, or a name to look up on `PATH`.
    pub program: &'a Path,
    /// Folder of this Envoy, and its working directory. It must exist.
    pub folder: &'a Path,
    /// Whether the folder is removed if the process that started Envoy is killed.
    pub folder_is_temporary: bool,
    /// The bootstrap configuration. Its administration address should have port 0.
    pub bootstrap: &'a serde_json::Value,
    /// Number of worker threads.
    pub concurrency: u32,
    /// Further command-line arguments.
    pub arguments: &'a [&'a str],
    /// Further variables of the environment, and their values.
    pub environment: &'a [(&'a str, PathBuf)],
}

/// A running Envoy. Dropping it kills its process group.
#[derive(Debug)]
pub struct Envoy {
    child: Mutex<Child>,
    pid: u32,
    group: ProcessGroup,
    folder: PathBuf,
    admin: Admin,
}

impl Envoy {
    /// Starts an Envoy and waits until `/ready` answers `LIVE`.
    ///
    /// # Errors
    /// If Envoy cannot be run, ends by itself, or does not serve within [`START_LIMIT`].
    pub fn start(options: &Options<'_>) -> Result<Self, StartError> {
        let Options { folder, .. } = *options;
        let config = folder.join(CONFIG_FILE);
        fs::write(&config, options.bootstrap.to_string())?;
        let log = File::create(folder.join(LOG_FILE))?;
        let group = match options.folder_is_temporary {
            true => ProcessGroup::with_folder(folder)?,
            false => ProcessGroup::new()?,
        };
        let mut command = Command::new(absolute(options.program)?);
        command
            .args(["--config-path", CONFIG_FILE])
            .args(["--admin-address-path", ADMIN_FILE])
            .arg("--disable-hot-restart")
            .args(["--concurrency", &options.concurrency.to_string()])
            .args(options.arguments)
            .envs(
                options
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = group.spawn(&mut command).map_err(StartError::Run)?;
        let mut envoy = Self {
            pid: child.id(),
            child: Mutex::new(child),
            group,
            folder: folder.to_owned(),
            admin: Admin::unknown(),
        };
        match envoy.wait_for(START_LIMIT, Self::live_admin) {
            Ok(admin) => envoy.admin = admin,
            Err(WaitError::Ended(status)) => {
                return Err(StartError::Ended {
                    status,
                    log: envoy.log(),
                });
            }
            Err(WaitError::Overdue(limit)) => {
                return Err(StartError::NotReady {
                    limit,
                    log: envoy.log(),
                });
            }
        }
        Ok(envoy)
    }

    /// Returns the administration interface.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Returns the folder of this Envoy.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns everything that Envoy has logged, or an empty text if the log cannot be read.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.join(LOG_FILE)).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Returns the exit status, or `None` while Envoy runs.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// Polls until `probe` returns a value.
    ///
    /// # Errors
    /// If Envoy ends first, or the limit passes.
    pub fn wait_for<T>(
        &self,
        limit: Duration,
        mut probe: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, WaitError> {
        wait_until(limit, || self.exit_status(), || probe(self))
    }

    /// Returns the processor time that all threads of Envoy have used (Linux only).
    ///
    /// # Errors
    /// If `/proc` does not have it.
    pub fn processor_time(&self) -> io::Result<Duration> {
        self.schedstat(0)
    }

    /// Returns the time for which all threads of Envoy that run now have waited for a processor
    /// (Linux only).
    ///
    /// # Errors
    /// If `/proc` does not have it.
    pub fn processor_wait(&self) -> io::Result<Duration> {
        self.schedstat(1)
    }

    /// Returns the sum of a column of the threads' statistics. proc(5): nanoseconds on a processor,
    /// nanoseconds waiting for one, number of time slices.
    fn schedstat(&self, column: usize) -> io::Result<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid))?;
        let nanoseconds = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').nth(column)?.parse::<u64>().ok()
        });
        Ok(Duration::from_nanos(nanoseconds.sum()))
    }

    /// Returns the sizes in bytes of the memories of all wasm VMs, the largest first (Linux only).
    ///
    /// V8 reserves an address range of several GiB for each memory. The accessible part at its start is
    /// what the VM has.
    ///
    /// # Errors
    /// If `/proc` does not have it.
    pub fn wasm_memories(&self) -> io::Result<Vec<u64>> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.pid))?;
        Ok(wasm_memories(&maps))
    }

    /// Ends Envoy with SIGTERM and waits until it is gone. Kills its process group in any case.
    ///
    /// # Errors
    /// If Envoy had ended before, does not end within 20 seconds, or ends with another status than
    /// 0.
    pub fn stop(&mut self) -> Result<(), StopError> {
        if let Some(status) = self.exit_status() {
            self.kill();
            return Err(StopError::EndedBefore(status));
        }
        // The process has not been waited for, so its id still belongs to it.
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let ended = wait_until(STOP_LIMIT, || None, || self.exit_status());
        self.kill();
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(StopError::Failed(status)),
            Err(_) => Err(StopError::Overdue(STOP_LIMIT)),
        }
    }

    /// Kills the process group and waits until Envoy is gone.
    pub fn kill(&mut self) {
        self.group.kill();
        let mut child = self.child();
        // Has an effect only if the leader of the group was killed from outside and killed nothing.
        let _ = child.kill();
        let _ = child.wait();
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_admin(&self) -> Option<Admin> {
        let address = fs::read_to_string(self.folder.join(ADMIN_FILE)).ok()?;
        let admin = Admin::new(address.trim().parse().ok()?);
        admin.is_live().then_some(admin)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `envoy --mode validate`, which also starts the module and gives it its configuration.
///
/// # Errors
/// If Envoy cannot be run.
pub fn validate(program: &Path, folder: &Path, config: &Path) -> io::Result<Output> {
    Command::new(absolute(program)?)
        .args(["--mode", "validate", "--disable-hot-restart"])
        .arg("--config-path")
        .arg(config)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
}

/// Makes a path with a folder in it absolute, since a program is looked up from the working
/// directory of the child. Keeps a bare name, which is looked up on `PATH`.
fn absolute(program: &Path) -> io::Result<PathBuf> {
    match program.components().count() {
        0 | 1 => Ok(program.to_owned()),
        _ => path::absolute(program),
    }
}

/// Why an Envoy did not start.
#[derive(Debug)]
pub enum StartError {
    /// The program cannot be run.
    Run(io::Error),
    /// Envoy ended by itself.
    Ended {
        /// Its exit status.
        status: ExitStatus,
        /// Its log.
        log: String,
    },
    /// Envoy runs but does not serve.
    NotReady {
        /// The limit that has passed.
        limit: Duration,
        /// Its log.
        log: String,
    },
    /// The system refused a file or a process.
    System(io::Error),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(error) => write!(f, "cannot run Envoy: {error}"),
            Self::Ended { status, log } => write!(f, "Envoy ended ({status}); its log:\n{log}"),
            Self::NotReady { limit, log } => {
                write!(
                    f,
                    "Envoy does not serve after {} s; its log:\n{log}",
                    limit.as_secs()
                )
            }
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

/// Why an Envoy did not end as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopError {
    /// It had ended before it was asked to.
    EndedBefore(ExitStatus),
    /// It ended with an error.
    Failed(ExitStatus),
    /// It did not end in time and was killed.
    Overdue(Duration),
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndedBefore(status) => write!(f, "Envoy ended by itself: {status}"),
            Self::Failed(status) => write!(f, "Envoy ended with an error: {status}"),
            Self::Overdue(limit) => write!(f, "Envoy did not end within {limit:?} of SIGTERM"),
        }
    }
}

impl std::error::Error for StopError {}

/// The least address range that V8 reserves for a wasm memory.
const RESERVED_BYTES: u64 = 4 << 30;

/// Finds wasm memories in the text of `/proc/PID/maps` (proc(5)).
fn wasm_memories(maps: &str) -> Vec<u64> {
    let ranges: Vec<(u64, u64, &str)> = maps
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (start, end) = words.next()?.split_once('-')?;
            let address = |text| u64::from_str_radix(text, 16).ok();
            Some((address(start)?, address(end)?, words.next()?))
        })
        .collect();
    let mut sizes: Vec<u64> = ranges
        .windows(2)
        .filter_map(|pair| match pair {
            [(start, end, "rw-p"), (rest, last, "---p")]
                if end == rest && last - rest >= RESERVED_BYTES =>
            {
                Some(end - start)
            }
            _ => None,
        })
        .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

#[cfg(test)]
mod tests;
