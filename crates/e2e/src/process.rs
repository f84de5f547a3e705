//! Processes that tests start or look at. None outlives its test.

use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{kill_process, kill_process_group, Pid, Signal};
use tidegate_envoy::ProcessGroup;

/// A program in a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub struct Program {
    child: Child,
    group: ProcessGroup,
}

impl Program {
    /// Starts a program.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let group = ProcessGroup::new().expect("make a process group");
        let child = group.spawn(&mut command);
        Self {
            child: child.unwrap_or_else(|error| panic!("cannot start {shown}: {error}")),
            group,
        }
    }

    /// Starts a program with pipes for its output. [`Program::interrupt`] ends it even if the tests
    /// run in the background of a shell, which makes all its children ignore SIGINT.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start_piped(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: between fork and exec only one system call is made, which is async-signal-safe.
        unsafe {
            command.pre_exec(|| match libc::signal(libc::SIGINT, libc::SIG_DFL) {
                libc::SIG_ERR => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        Self::start(command)
    }

    /// Returns whether the program has ended.
    pub fn has_ended(&self) -> bool {
        Process::of(self.id()).is_none_or(|process| process.dead)
    }

    /// Sends SIGINT to the process group, as Ctrl-C at a terminal does.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn interrupt(&self) {
        kill_process_group(pid(self.group.id()), Signal::INT).expect("interrupt the group");
    }
}

impl Deref for Program {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.group.kill();
        let _ = self.child.wait();
    }
}

fn pid(number: u32) -> Pid {
    let number = i32::try_from(number).ok();
    number.and_then(Pid::from_raw).expect("a process id")
}

/// Returns the TCP port of the loopback interface that a process listens on.
pub(crate) fn listening(pid: u32) -> Option<u16> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let sockets: Vec<String> = descriptors
        .filter_map(|descriptor| {
            let target = std::fs::read_link(descriptor.ok()?.path()).ok()?;
            let inode = target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        // proc(5): number, local address, remote address, state (0A: listening), ..., inode.
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_own = fields.get(3) == Some(&"0A") && sockets.iter().any(|own| own == fields[9]);
        let (_, port) = fields.get(1)?.split_once(':')?;
        is_own.then(|| u16::from_str_radix(port, 16).ok())?
    })
}

/// A process that another program started.
#[derive(Debug, Clone)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Process group id.
    pub group: u32,
    parent: u32,
    /// A zombie: ended but not waited for.
    dead: bool,
    /// Start time in clock ticks since boot. Distinguishes it from a later process with the same
    /// id.
    began: u64,
}

impl Process {
    /// Reads a process from `/proc`, or returns `None` if there is none with that id.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // proc(5): "pid (command) state ppid pgrp ...", and the command may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            pid,
            group: fields.get(2)?.parse().ok()?,
            parent: fields.get(1)?.parse().ok()?,
            dead: matches!(*fields.first()?, "Z" | "X"),
            began: fields.get(19)?.parse().ok()?,
        })
    }

    /// Returns whether it still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.began == self.began && !now.dead)
    }

    /// Kills this process only.
    ///
    /// # Panics
    /// If it has ended already.
    pub fn kill(&self) {
        assert!(self.is_alive(), "{self:?} has ended already");
        kill_process(pid(self.pid), Signal::KILL).expect("kill a process");
    }
}

/// Returns the living children of a process, sorted by id.
///
/// # Panics
/// If the system has no `/proc`.
pub fn children(parent: u32) -> Vec<Process> {
    let all = std::fs::read_dir("/proc").expect("look into /proc (Linux)");
    let mut children: Vec<Process> = all
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Process::of)
        .filter(|process| process.parent == parent && !process.dead)
        .collect();
    children.sort_by_key(|process| process.pid);
    children
}
