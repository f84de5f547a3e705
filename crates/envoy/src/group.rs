//! A process group that cannot outlive this process.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The leader of a group. It ignores the signals that are sent to whole groups, says that it does,
/// waits for the end of its input, removes the folder that its argument names, and kills the group.
const LEADER: &str = r#"trap "" HUP INT TERM; echo; read -r _; rm -rf -- "$@"; kill -KILL 0"#;

/// A process group that ends with this value and with this process, however this process ends.
///
/// The leader of the group is a shell that reads from a pipe. Only this process holds the other
/// end. When this process ends, even by SIGKILL, the kernel closes the pipe, and the shell kills
/// the group. (Linux can also signal a child when its parent dies; macOS cannot.) As long as the
/// leader lives, no other group can have its number.
#[derive(Debug)]
pub struct ProcessGroup {
    leader: Child,
}

impl ProcessGroup {
    /// Starts the leader of a new group.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new() -> io::Result<Self> {
        Self::start(None)
    }

    /// Starts the leader of a new group that removes a folder when it ends.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn with_folder(folder: &Path) -> io::Result<Self> {
        Self::start(Some(folder))
    }

    fn start(folder: Option<&Path>) -> io::Result<Self> {
        let mut leader = Command::new("/bin/sh")
            .args(["-c", LEADER, "sh"])
            .args(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        if let Some(mut stdout) = leader.stdout.take() {
            stdout.read_exact(&mut [0])?;
        }
        Ok(Self { leader })
    }

    /// Starts a process in the group.
    ///
    /// # Errors
    /// If the program cannot be run.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // A process id is a positive `pid_t`, which is an i32.
        let id = i32::try_from(self.id()).unwrap_or_default();
        command.process_group(id).spawn()
    }

    /// Kills every process of the group and waits for its leader.
    pub fn kill(&mut self) {
        drop(self.leader.stdin.take());
        let _ = self.leader.wait();
    }

    /// Returns the number of the group.
    pub fn id(&self) -> u32 {
        self.leader.id()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
