//! One client, one voice: what a single address does opens nothing that others use, not even on the
//! path that they use. Here all ask for `/`, and only the busy client's requests fail.

use std::time::Duration;

use tidegate_e2e::client::upload::Upload;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour};

use super::bench::{bad_gateway, Addresses, Scenario, Stage};
use super::load::{Shot, Who};
use super::paths::{visits, FAILING, LASTS};
use super::{Findings, SECOND_HALF};
use Shot::Ask;

/// Fewer requests of the busy client that reached the upstream would show nothing.
const AT_LEAST: u64 = 10;

/// An upload of a byte a second.
pub(super) const SLOW: Upload = Upload {
    size: 60,
    chunk: 1,
    rest: Duration::from_secs(1),
};

/// An upload that the upstream does not want.
const LARGE: Upload = Upload {
    size: 5_000_000,
    chunk: 65_536,
    rest: Duration::ZERO,
};

/// A name, what the upstream does, requests a second, and what the client makes of its request.
type Voice = (&'static str, fn() -> Behaviour, u32, fn(Request) -> Shot);

const VOICES: &[Voice] = &[
    ("k-close", || Behaviour::Close, FAILING, Ask),
    ("k-reset", || Behaviour::Reset, FAILING, Ask),
    ("k-status", || bad_gateway().into(), FAILING, Ask),
    (
        "l-slow",
        || Behaviour::GiveUp(Duration::from_secs(2)),
        5,
        |request| Shot::Upload(SLOW, post(request)),
    ),
    (
        "l-many",
        || Behaviour::GiveUp(Duration::from_secs(2)),
        FAILING,
        |request| Shot::Upload(SLOW, post(request)),
    ),
    (
        "l-refused",
        || Behaviour::Early(Answer::status(413).cut()),
        20,
        |request| Shot::Upload(LARGE, post(request)),
    ),
    (
        "m-retry",
        || Answer::status(503).header("retry-after", "600").into(),
        FAILING,
        |request| Ask(request.header("cookie", "session=too-much")),
    ),
    (
        "headers",
        || Behaviour::Close,
        20,
        |request| Ask(request.header("x-large", vec![b'x'; 60_000])),
    ),
];

pub(super) fn scenarios() -> Vec<Scenario> {
    let play =
        |voice: &'static Voice| move |stage: &Stage<'_>| one_client_closes_nothing(stage, voice);
    let scenario = |voice: &'static Voice| {
        Scenario::new(voice.0, Addresses::Named, play(voice)).begins(SECOND_HALF)
    };
    VOICES.iter().map(scenario).collect()
}

fn post(request: Request) -> Request {
    Request {
        method: "POST".to_owned(),
        ..request
    }
}

fn one_client_closes_nothing(stage: &Stage<'_>, voice: &Voice) -> Findings {
    let (_, behaviour, per_second, shot) = *voice;
    stage.upstream.set("voice", behaviour());
    let request = stage.get_as("/", "voice");
    let _busy = stage.load(&[Who::busy()], per_second, move |_| shot(request.clone()));
    let visitors = visits(stage, |_| "/".to_owned());
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    let reached = stage.upstream.requests("voice");
    if reached < AT_LEAST {
        findings.push(format!("only {reached} requests: that shows nothing"));
    }
    findings
}
