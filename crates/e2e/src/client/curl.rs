//! The real curl.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::message::Headers;

/// The output of curl.
#[derive(Debug)]
pub struct Answer {
    /// Exit code of curl; 0 after a complete response.
    pub exit: Option<i32>,
    /// Status code.
    pub status: u16,
    /// Header fields of the last response.
    pub headers: Headers,
    /// Standard output.
    pub body: Vec<u8>,
}

/// Runs `curl ARGS http://ADDRESS/PATH`.
///
/// # Panics
/// If there is no curl.
pub fn curl(address: SocketAddr, path: &str, args: &[&str]) -> Answer {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tidegate-e2e-curl-{}-{count}", std::process::id());
    let head_file = std::env::temp_dir().join(name);
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "20",
            "--noproxy",
            "*",
            "--dump-header",
        ])
        .arg(&head_file)
        .args(args)
        .arg(format!("http://{address}{path}"))
        .stdin(Stdio::null())
        .output()
        .expect("run curl (it must be installed)");
    let head = std::fs::read(&head_file).unwrap_or_default();
    let _ = std::fs::remove_file(&head_file);
    let head = String::from_utf8_lossy(&head).into_owned();
    let last = head
        .trim_end()
        .rsplit("\r\n\r\n")
        .next()
        .unwrap_or_default();
    let mut lines = last.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or(0);
    let mut headers = Headers::default();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.add(name, value.trim());
    }
    Answer {
        exit: output.status.code(),
        status,
        headers,
        body: output.stdout,
    }
}
