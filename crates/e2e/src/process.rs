//! Processes that tests start and look after: none may outlive its test.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Starts a command as the leader of a process group of its own, with its output in pipes. It ends
/// with the process that runs the tests, and by [`interrupt`] even where these were started in the
/// background by a shell, which has all that it starts so ignore Ctrl-C.
///
/// # Panics
/// If it cannot be started.
pub fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // SAFETY: between fork and exec only a system call is made, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| match libc::signal(libc::SIGINT, libc::SIG_DFL) {
            libc::SIG_ERR => Err(io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    crate::envoy::spawn(command)
}

/// Does to the process group of a child of [`spawn`] what Ctrl-C does at a terminal.
pub fn interrupt(child: &Child) {
    // SAFETY: a plain system call; the group is that of a child of ours which was not waited for.
    let rc = unsafe { libc::killpg(child.id() as libc::pid_t, libc::SIGINT) };
    assert_eq!(rc, 0, "{}", io::Error::last_os_error());
}

/// Ends the process group of a child that leads one, at once.
pub(crate) fn kill_group(child: &Child) {
    // SAFETY: a plain system call; the group is that of a child of ours which was not waited for.
    unsafe { libc::killpg(child.id() as libc::pid_t, libc::SIGKILL) };
}

/// Whether a child of ours still runs.
pub(crate) fn is_alive(child: &Child) -> bool {
    Process::of(child.id()).is_some_and(|process| !process.dead)
}

/// The TCP port of the loopback interface on which a process listens.
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
        let is_it = fields.get(3) == Some(&"0A") && sockets.iter().any(|own| own == fields[9]);
        let (_, port) = fields.get(1)?.split_once(':')?;
        is_it.then(|| u16::from_str_radix(port, 16).ok())?
    })
}

/// A process of somebody else's making.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The number of its group.
    pub group: u32,
    parent: u32,
    /// Ended, and waited for by nobody.
    dead: bool,
    /// When it began, in ticks since the machine did: tells it from a later one of its number.
    began: u64,
}

impl Process {
    /// Reads what the system knows of a process; `None`: there is none of that number.
    fn of(pid: u32) -> Option<Self> {
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

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.began == self.began && !now.dead)
    }

    /// Kills it, and nothing else.
    pub fn kill(&self) {
        assert!(self.is_alive(), "{self:?} is gone already");
        // SAFETY: a plain system call, on a process that was seen alive a moment ago.
        let rc = unsafe { libc::kill(self.pid as libc::pid_t, libc::SIGKILL) };
        assert_eq!(rc, 0, "{}", io::Error::last_os_error());
    }
}

/// The living children of a process, by number.
///
/// # Panics
/// If the system has no `/proc` to look into.
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
