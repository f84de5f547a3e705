use std::fs;
use std::io::Write;

use flate2::write::GzEncoder;
use flate2::Compression;
use tempfile::TempDir;

use super::*;
use crate::explain::line::Wrong;

fn line(at: u64) -> String {
    let status = if at % 7 == 0 { 503 } else { 200 };
    let (second, route, path) = (at % 60, at % 5, at % 60);
    format!(
        "{{\"start_time\":\"2026-11-23T12:00:{second:02}.000Z\",\"response_code\":{status},\
         \"response_code_details\":\"via_upstream\",\"route_name\":\"route-{route}\",\
         \"authority\":\"shop.example\",\"path\":\"/{path}?{at}\",\
         \"upstream_host\":\"10.0.0.{route}:80\",\"request_id\":\"{at}\"}}\n"
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn files(contents: &[(&str, Vec<u8>)]) -> (TempDir, Vec<PathBuf>) {
    let folder = TempDir::new().unwrap();
    let paths = contents.iter().map(|(name, content)| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

/// The result does not depend on the number of threads, nor on compression.
#[test]
fn chunks_and_threads_do_not_change_the_result() {
    // Three chunks and a part, without a line break at the end.
    let mut log: String = (0..80_000).map(line).collect();
    log.pop();
    assert!(log.len() > 3 * CHUNK_BYTES, "{}", log.len());
    let mut whole = Tally::new(60_000);
    whole.absorb(Tally::of(log.as_bytes(), 60_000), 0, 0);
    let bytes = log.into_bytes();
    let (_folder, paths) = files(&[("a", bytes.clone()), ("a.gz", gzip(&bytes))]);
    for (path, threads) in [(0, 1), (0, 2), (0, 5), (1, 3)] {
        let outcome = read(&paths[path..=path], 60_000, Some(threads));
        assert!(outcome.errors.is_empty());
        assert_eq!(outcome.tally, whole, "{threads} threads");
    }
}

#[test]
fn files_are_read_in_order() {
    let (folder, mut paths) = files(&[
        ("old", line(1).into_bytes()),
        ("new.gz", gzip(format!("{}{}", line(2), line(7)).as_bytes())),
        ("empty", vec![]),
        ("x", b"x".to_vec()),
    ]);
    paths.insert(1, folder.path().join("none"));
    let outcome = read(&paths, 60_000, None);
    assert_eq!((outcome.tally.requests, outcome.tally.failed), (3, 1));
    let errors: Vec<_> = outcome.errors.iter().map(|(path, _)| path).collect();
    assert_eq!(errors, [&paths[1]]);
    let first = &outcome.tally.routes["route-2"].reasons[0].1.episodes.list[0].first;
    assert_eq!((first.file, first.line), (2, 2));
    assert_eq!(outcome.tally.first_unreadable.unwrap().file, 4);
}

/// Two members in one file, as `cat a.gz b.gz` makes them, and a truncated one.
#[test]
fn gzip_files_may_have_several_members_or_be_truncated() {
    let mut both = gzip(line(1).as_bytes());
    both.extend(gzip(line(2).as_bytes()));
    let long: String = (0..30_000).map(line).collect();
    let mut cut = gzip(long.as_bytes());
    cut.truncate(cut.len() / 2);
    let (_folder, paths) = files(&[("both", both), ("cut", cut)]);
    assert_eq!(read(&paths[..1], 0, None).tally.requests, 2);
    let outcome = read(&paths[1..], 0, None);
    // The lines before the truncation are read.
    assert!(outcome.tally.requests > 1_000, "{}", outcome.tally.requests);
    assert_eq!(outcome.errors[0].1.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn an_endless_line_does_not_grow_memory() {
    let mut log = line(1).into_bytes();
    log.extend(vec![b'x'; 3 * CHUNK_BYTES]);
    log.push(b'\n');
    log.extend(line(2).into_bytes());
    let (_folder, paths) = files(&[("log", log)]);
    let tally = read(&paths, 0, None).tally;
    assert_eq!((tally.requests, tally.lines, tally.unreadable), (2, 3, 1));
    let first = tally.first_unreadable.unwrap();
    assert_eq!((first.line, first.wrong), (2, Wrong::TooLong));
}
