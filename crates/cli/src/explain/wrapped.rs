//! Reads lines as collectors and tools pass them on, with something in front: `kubectl logs --prefix` and
//! `--timestamps`, stern, containerd and CRI-O, syslog, Google Cloud Logging, Emissary's `ACCESS`.
//!
//! What is in front ends where the line of an access log begins: a time in brackets and a quote, or an
//! object. It has no quotes, so that nothing that a client sent, which is in quotes in any usual format,
//! is taken for a line.

use memchr::{memchr, memchr2_iter, memmem};

use super::entry::Entry;
use super::line::{time_ms, Wrong};
use super::{json_line, text_line};

/// How many bytes may be in front of a line.
const MAX_PREFIX: usize = 512;
/// Saved as Unicode by some editors and shells.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a line, which may be in the objects of `depth` collectors; `None` if it is blank.
pub(super) fn parse(line: &[u8], depth: u8) -> Option<Result<Entry<'_>, Wrong>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    match line.first() {
        None => None,
        Some(b'{') if is_half(line) => Some(Err(Wrong::ManyLines)),
        Some(b'{') => Some(json_line::parse(line, depth)),
        Some(_) if line.trim_ascii().is_empty() => None,
        Some(b'[') if is_half(line) => Some(Err(Wrong::ManyLines)),
        Some(b'[') => Some(match text_line::parse(line) {
            Ok(entry) => Ok(entry),
            // Most often, the line is one of Envoy's own log, and not of a collector.
            Err(wrong) => unwrapped(line, depth).unwrap_or(Err(wrong)),
        }),
        Some(_) => Some(unwrapped(line, depth).unwrap_or_else(|| {
            Err(match is_like_a_line(line) {
                true => Wrong::Wrapped,
                false => Wrong::Text("\"[\" at its start"),
            })
        })),
    }
}

/// Returns whether a line is the first one of JSON over several lines.
fn is_half(line: &[u8]) -> bool {
    matches!(line.trim_ascii(), b"{" | b"[" | b"[{")
}

/// Returns whether a line of an access log may be anywhere in it.
fn is_like_a_line(line: &[u8]) -> bool {
    memmem::find(line, b"] \"").is_some() || memmem::find(line, b"\"response_code\"").is_some()
}

/// Reads the line behind what is in front of it; `None` if there is none.
fn unwrapped(line: &[u8], depth: u8) -> Option<Result<Entry<'_>, Wrong>> {
    let front = line.get(..MAX_PREFIX).unwrap_or(line);
    let quote = memchr(b'"', front).unwrap_or(front.len());
    let front = front.get(..quote)?;
    let is_word_start = |at: usize| at > 0 && line.get(at - 1) == Some(&b' ');
    let mut starts = memchr2_iter(b'[', b'{', front).filter(|at| is_word_start(*at));
    let at = starts.find(|at| line.get(*at..).is_some_and(is_start))?;
    let (front, rest) = line.split_at_checked(at)?;
    if is_part(front) {
        return Some(Err(Wrong::Part));
    }
    Some(match rest.first() {
        Some(b'{') => json_line::parse(rest, depth),
        _ => text_line::parse(rest),
    })
}

/// Returns whether a text starts as a line of an access log does.
fn is_start(text: &[u8]) -> bool {
    let Some(time) = text.strip_prefix(b"[") else {
        return text.starts_with(b"{\"");
    };
    let Some(end) = memchr(b']', time) else {
        return false;
    };
    let (time, rest) = time.split_at(end);
    rest.starts_with(b"] \"") && time_ms(&String::from_utf8_lossy(time)).is_ok()
}

/// Returns whether a container runtime has marked the line as a part of a longer one.
fn is_part(front: &[u8]) -> bool {
    [&b" stdout P "[..], b" stderr P "]
        .iter()
        .any(|mark| front.ends_with(mark))
}
