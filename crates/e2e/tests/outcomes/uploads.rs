//! Uploads that the upstream does not read to their end.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::client::upload::Upload;
use tidegate_e2e::config::typed;
use tidegate_e2e::message::Request;
use tidegate_e2e::tool;
use tidegate_e2e::upstream::{Answer, Behaviour};
use tokio::task::JoinSet;

use super::bench::{Bench, Kind};
use crate::breaker::bench::{route_to, wait_until};
use Kind::{H1, H2};

/// Uploads of each kind.
const MANY: usize = 50;
/// Uploads of a kind at the same time.
const AT_ONCE: usize = 10;

/// An upload of five megabytes, as fast as it goes.
const LARGE: Upload = Upload {
    size: 5_000_000,
    chunk: 65_536,
    rest: Duration::ZERO,
};

/// An upload that is not complete when the upstream closes, even if the buffers of the kernel take some
/// megabytes that nobody reads.
const HUGE: Upload = Upload {
    size: 500_000_000,
    ..LARGE
};

/// An upload that takes half a minute.
const SLOW: Upload = Upload {
    size: 600_000,
    chunk: 1_000,
    rest: Duration::from_millis(50),
};

/// Uploads by scenario, and the status that every client gets, if it is the same for all.
const CASES: &[(&str, Kind, Upload, Option<u16>)] = &[
    ("refused-upload", H1, LARGE, Some(413)),
    ("refused-upload", H2, LARGE, Some(415)),
    ("refused-page", H2, LARGE, Some(415)),
    // Mostly, the connection is reset before Envoy has read the response.
    ("refused-reset", H1, HUGE, None),
    ("slow-upload", H1, SLOW, None),
    ("slow-upload", H2, SLOW, None),
];

pub(crate) fn routes() -> Vec<Value> {
    CASES
        .iter()
        .map(|(name, kind, ..)| route_to(&kind.route(name), kind.cluster()))
        .collect()
}

pub(crate) fn behaviours() -> Vec<(String, Behaviour)> {
    let refuse = |status| Behaviour::Early(Answer::status(status));
    vec![
        ("to-refused-upload-h1".to_owned(), refuse(413)),
        ("to-refused-upload-h2".to_owned(), refuse(415)),
        (
            "to-refused-page-h2".to_owned(),
            Behaviour::Early(Answer::status(415).body("text/html", "<h1>no")),
        ),
        (
            "to-refused-reset-h1".to_owned(),
            Behaviour::Early(Answer::status(413).cut()),
        ),
        (
            "to-slow-upload-h1".to_owned(),
            Behaviour::GiveUp(Duration::from_millis(300)),
        ),
        (
            "to-slow-upload-h2".to_owned(),
            Behaviour::GiveUp(Duration::from_millis(300)),
        ),
    ]
}

/// Returns the access log that Tidegate comes with, for a listener.
pub(crate) fn access_log(listener: &str) -> Value {
    let mut log = tidegate_e2e::yaml("envoy/access-log.yaml")["access_log"].take();
    log[0]["typed_config"]["path"] = json!(format!("access-{listener}.log"));
    let text = json!({ "path": format!("default-{listener}.log") });
    let text = json!({
        "name": "text",
        "typed_config": typed("extensions.access_loggers.file.v3.FileAccessLog", text),
    });
    json!([log[0], text])
}

/// c29, and an upload so slow that the upstream closes.
pub(crate) fn uploads_that_are_not_read_open_nothing(bench: &Bench) {
    let running: Vec<_> = CASES
        .iter()
        .map(|(name, kind, upload, _)| {
            let others = bench.load_of("uploads", *kind, kind.request(name), 5);
            (others, Uploads::start(bench, name, *kind, *upload))
        })
        .collect();
    let mut findings = Vec::new();
    for ((name, kind, _, status), (others, uploads)) in CASES.iter().zip(running) {
        let key = kind.key(name);
        let ends = uploads.wait();
        if let Some(status) = status {
            let got = ends.iter().filter(|end| **end == Ok(*status)).count();
            if got < MANY {
                findings.push(format!("{key}: {got} answers of {status}: {ends:?}"));
            }
        }
        findings.extend(bench.is_noticed(name, *kind, &others));
        if status.is_none() {
            let answered = ends.iter().filter(|end| **end == Ok(413)).count();
            let ignored = MANY - answered;
            findings.extend(bench.too_few_ignored("request_incomplete", &key, ignored));
        }
    }
    findings.extend(misnamed(bench));
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Returns refused uploads that the access log, or `tidegate explain` over it, takes for responses
/// that broke off.
fn misnamed(bench: &Bench) -> Vec<String> {
    let is_post = |line: &&Value| line["method"] == "POST";
    let lines = wait_until("all uploads in the access log", || {
        let lines = bench.envoy.access_log("uploads");
        let posts = lines.iter().filter(is_post).count();
        (posts >= CASES.len() * MANY).then_some(lines)
    });
    let wrong = lines
        .iter()
        .filter(|line| line["tidegate_reason"] == "http_response_incomplete");
    let mut findings: Vec<String> = wrong
        .map(|line| format!("the log: {line}"))
        .take(3)
        .collect();
    let statuses = |status: u64| {
        let with = |line: &&Value| line["response_code"] == status;
        lines.iter().filter(is_post).filter(with).count()
    };
    if statuses(415) < MANY {
        findings.push(format!("{} lines with 415", statuses(415)));
    }
    for file in ["access-uploads.log", "default-uploads.log"] {
        let path = bench.envoy.folder().join(file);
        // A copy, since Envoy goes on to write.
        let copy = bench.envoy.folder().join(format!("copy-of-{file}"));
        fs::copy(&path, &copy).expect("copy the log");
        let output = tool()
            .args(["explain", "--json"])
            .arg(&copy)
            .output()
            .expect("run tidegate explain");
        let text = String::from_utf8_lossy(&output.stdout);
        let report: Value = serde_json::from_str(&text).expect("a report");
        let all = report["findings"].as_array().expect("findings");
        let wrong = all
            .iter()
            .filter(|finding| finding["reason"] == "http_response_incomplete");
        findings.extend(wrong.map(|finding| format!("explain {file}: {finding}")));
    }
    findings
}

/// What the clients of uploads got.
type Ends = Vec<Result<u16, String>>;

struct Uploads {
    ends: Arc<Mutex<Ends>>,
    _tasks: JoinSet<()>,
}

impl Uploads {
    fn start(bench: &Bench, name: &str, kind: Kind, upload: Upload) -> Self {
        let address = bench.address("uploads");
        let request = Request::new("POST", &kind.request(name).path)
            .header("x-behaviour", format!("to-{}", kind.route(name)));
        let ends: Arc<Mutex<Ends>> = Arc::default();
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (ends, request) = (ends.clone(), request.clone());
            let work = async move {
                for _ in 0..MANY / AT_ONCE {
                    let end = upload.send(kind.protocol(), address, &request).await;
                    ends.lock().expect("the ends").push(end);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            };
            tasks.spawn_on(work, tidegate_e2e::runtime().handle());
        }
        let _tasks = tasks;
        Uploads { ends, _tasks }
    }

    fn wait(&self) -> Ends {
        wait_until("all uploads", || {
            let ends = self.ends.lock().expect("the ends");
            (ends.len() >= MANY).then(|| ends.clone())
        })
    }
}
