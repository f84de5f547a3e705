//! Reads logs in large chunks, tallies the chunks on all processors, and merges the tallies in the
//! order of the log. A chunk's memory is reused only after that, which bounds the number of chunks
//! however slow one of them is.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Mutex, PoisonError};
use std::thread;

use flate2::read::MultiGzDecoder;
use memchr::{memchr, memrchr};

use super::progress::ReadProgress;
use super::tally::Tally;

/// Size of a chunk, and the limit of a line.
pub(super) const CHUNK_BYTES: usize = 4 << 20;
/// More threads than this would wait for the reading thread.
const MAX_THREADS: usize = 8;
/// The first bytes of a gzip file (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The result of reading.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// Files that could not be read, or not completely.
    pub(super) errors: Vec<(PathBuf, io::Error)>,
}

/// Whole lines of one file.
struct Piece {
    number: u64,
    file: usize,
    lines: Vec<u8>,
    len: usize,
    /// Set if the chunk is the start of a line that is longer than a chunk.
    is_too_long: bool,
}

/// A tallied chunk, with its memory for reuse.
struct Tallied {
    number: u64,
    file: usize,
    tally: Tally,
    memory: Vec<u8>,
}

/// Reads all files, one after the other; `-` reads standard input.
pub(super) fn read(files: &[PathBuf], gap_ms: u64, threads: Option<usize>) -> Outcome {
    let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, Into::into));
    let threads = threads.clamp(1, MAX_THREADS);
    let (memory_back, memory) = mpsc::channel();
    for _ in 0..threads + 2 {
        // Cannot fail: the receiver lives as long as this function.
        let _ = memory_back.send(vec![0; CHUNK_BYTES]);
    }
    let (piece_out, pieces) = mpsc::channel();
    let (tallied_out, tallied) = mpsc::channel();
    let pieces = Mutex::new(pieces);
    let mut errors = Vec::new();
    let tally = thread::scope(|scope| {
        for _ in 0..threads {
            let (pieces, tallied_out) = (&pieces, tallied_out.clone());
            scope.spawn(move || work(pieces, &tallied_out, gap_ms));
        }
        drop(tallied_out);
        let together = scope.spawn(move || put_together(&tallied, &memory_back, gap_ms));
        let mut reader = Reader {
            memory,
            out: piece_out,
            number: 0,
        };
        let mut progress = ReadProgress::new(files);
        for (at, file) in files.iter().enumerate() {
            if let Err(error) = reader.read(at, file, &mut progress) {
                errors.push((file.clone(), error));
            }
        }
        progress.end();
        drop(reader);
        match together.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    Outcome { tally, errors }
}

fn work(pieces: &Mutex<mpsc::Receiver<Piece>>, out: &mpsc::Sender<Tallied>, gap_ms: u64) {
    loop {
        let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(piece) = next else { return };
        let tally = match piece.is_too_long {
            true => Tally::of_too_long_line(gap_ms),
            false => Tally::of(&piece.lines[..piece.len], gap_ms),
        };
        let tallied = Tallied {
            number: piece.number,
            file: piece.file,
            tally,
            memory: piece.lines,
        };
        if out.send(tallied).is_err() {
            return;
        }
    }
}

fn put_together(
    tallied: &mpsc::Receiver<Tallied>,
    memory_back: &mpsc::Sender<Vec<u8>>,
    gap_ms: u64,
) -> Tally {
    let mut all = Tally::new(gap_ms);
    // Holds at most as many tallies as there are chunks.
    let mut waiting = BTreeMap::new();
    let (mut next, mut file, mut lines) = (0, 0, 0);
    for one in tallied {
        waiting.insert(one.number, one);
        while let Some(one) = waiting.remove(&next) {
            next += 1;
            if one.file != file {
                (file, lines) = (one.file, 0);
            }
            let count = one.tally.lines;
            all.absorb(one.tally, file, lines);
            lines += count;
            // Fails if the reader has finished.
            let _ = memory_back.send(one.memory);
        }
    }
    all.end();
    all
}

struct Reader {
    memory: mpsc::Receiver<Vec<u8>>,
    out: mpsc::Sender<Piece>,
    number: u64,
}

impl Reader {
    fn read(&mut self, file: usize, path: &Path, progress: &mut ReadProgress) -> io::Result<()> {
        let read = Arc::new(AtomicU64::new(0));
        let source: Box<dyn Read> = match path.as_os_str() == OsStr::new("-") {
            true => Box::new(io::stdin().lock()),
            false => Box::new(File::open(path)?),
        };
        let mut source = Counted {
            source,
            read: read.clone(),
        };
        let mut start = [0; GZIP.len()];
        let len = fill(&mut source, &mut start)?;
        let begun = io::Cursor::new(start).take(len as u64).chain(source);
        let mut source: Box<dyn Read> = match start == GZIP {
            true => Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(
                1 << 17,
                begun,
            ))),
            false => Box::new(begun),
        };
        self.cut(file, &mut source, || {
            progress.update(read.load(Ordering::Relaxed))
        })?;
        progress.done(read.load(Ordering::Relaxed));
        Ok(())
    }

    /// Splits a file into chunks of whole lines. Keeps what was read before an error.
    fn cut(
        &mut self,
        file: usize,
        source: &mut dyn Read,
        mut on_read: impl FnMut(),
    ) -> io::Result<()> {
        let mut begun = Vec::new();
        loop {
            // The channel is closed only if all threads have panicked.
            let Ok(mut lines) = self.memory.recv() else {
                return Err(io::Error::other("a thread has ended"));
            };
            lines[..begun.len()].copy_from_slice(&begun);
            let mut len = begun.len();
            let filled = fill_from(source, &mut lines, &mut len);
            on_read();
            let is_end = filled.is_err() || len < lines.len();
            begun.clear();
            let mut is_too_long = false;
            if !is_end {
                match memrchr(b'\n', &lines) {
                    Some(at) => {
                        begun.extend_from_slice(&lines[at + 1..]);
                        len = at + 1;
                    }
                    None => is_too_long = true,
                }
            }
            let piece = Piece {
                number: self.number,
                file,
                lines,
                len,
                is_too_long,
            };
            self.number += 1;
            if self.out.send(piece).is_err() {
                return Err(io::Error::other("a thread has ended"));
            }
            filled?;
            if is_too_long {
                match skip_line(source)? {
                    Some(rest) => begun = rest,
                    None => return Ok(()),
                }
            }
            if is_end {
                return Ok(());
            }
        }
    }
}

/// Reads to the end of the line and returns what was read after it; `None` at the end of the file.
fn skip_line(source: &mut dyn Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let len = fill(source, &mut bytes)?;
        if let Some(at) = memchr(b'\n', &bytes[..len]) {
            return Ok(Some(bytes[at + 1..len].to_vec()));
        }
        if len < bytes.len() {
            return Ok(None);
        }
    }
}

fn fill(source: &mut dyn Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    fill_from(source, bytes, &mut len)?;
    Ok(len)
}

/// Reads until the buffer is full or the file ends. `len` is the number of bytes read, even on
/// error.
fn fill_from(source: &mut dyn Read, bytes: &mut [u8], len: &mut usize) -> io::Result<()> {
    while *len < bytes.len() {
        match source.read(&mut bytes[*len..]) {
            Ok(0) => break,
            Ok(more) => *len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Counts bytes as they are on disk, compressed or not.
struct Counted {
    source: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = self.source.read(bytes)?;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

#[cfg(test)]
mod tests;
