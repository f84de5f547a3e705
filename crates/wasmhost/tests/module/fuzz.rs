//! Callbacks in any order, headers of any bytes and random faults never cause a trap.

use tidegate_wasmhost::{
    Call, Fault, Faults, Headers, Property, Request, Rng, StreamId, Trap, Vm, World,
};

use super::{copy_of_started, host, stages};

/// The number of sequences. Each one runs in a VM of its own, and its failure names its seed.
const SEQUENCES: u64 = 1_500;
/// The number of callbacks in a sequence.
const EVENTS: usize = 80;
/// The most requests open at the same time.
const OPEN: usize = 5;

const CONFIGS: &[&str] = &[
    "",
    "{}",
    r#"{"mode": "shadow"}"#,
    r#"{"mode": "off"}"#,
    r#"{"intercept": {"statuses": ["4xx", "5xx"], "upstream_body": "replace", "status": "keep"}}"#,
    r#"{"proxy_status": {"name": "edge", "details": true}, "security": {"expose": ["path", "host", "request_id"]}}"#,
    r#"{"mode": 7}"#,
    "not even JSON",
];

const STATUSES: &[&str] = &[
    "502", "503", "504", "502", "503", "500", "200", "404", "100", "", "5xx",
];

const DETAILS: &[&str] = &[
    "via_upstream",
    "via_upstream",
    "no_healthy_upstream",
    "upstream_reset_before_response_started{remote_connection_failure|x}",
    "{",
];

const NAMES: &[&str] = &[
    ":status",
    ":path",
    ":method",
    ":authority",
    "accept",
    "accept-language",
    "content-type",
    "content-length",
    "retry-after",
    "grpc-status",
    "grpc-message",
    "x-request-id",
    "vary",
    "proxy-status",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "user-agent",
    "upgrade",
    "x-tidegate",
    "x-tidegate-page",
    "access-control-allow-origin",
    "set-cookie",
    "",
];

const VALUES: &[&str] = &[
    "",
    "200",
    "502",
    "503",
    "504",
    "599",
    "99999999999",
    "-1",
    "GET",
    "HEAD",
    "CONNECT",
    "POST",
    "/",
    "/a?b=c",
    "*/*",
    "text/html;q=0.5, application/json",
    "application/grpc",
    "text/plain",
    "en",
    "ar, de;q=0.1",
    "120",
    "Fri, 02 Jan 2026 03:04:05 GMT",
    "14",
    "websocket",
    "off",
    "document",
    "empty",
    "navigate",
    "gw; error=connection_refused",
    "*",
    "a, b",
    ";q=;;,,",
];

fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(8) {
        0 => {
            let len = rng.below(40);
            rng.bytes(len)
        }
        1 => vec![*rng.pick(b"\xff\x00,;=\"/ "); rng.below(3000)],
        _ => rng.pick(VALUES).as_bytes().to_vec(),
    }
}

fn headers(rng: &mut Rng) -> Headers {
    let count = rng.below(14);
    let mut all: Headers = (0..count)
        .map(|_| {
            let name = if rng.one_in(10) {
                rng.bytes(6)
            } else {
                rng.pick(NAMES).as_bytes().to_vec()
            };
            (name, value(rng))
        })
        .collect();
    if rng.one_in(200) {
        all.extend((0..2000).map(|_| (rng.bytes(3), rng.bytes(3))));
    }
    all
}

fn request(rng: &mut Rng) -> Headers {
    let mut all = headers(rng);
    if !rng.one_in(4) {
        let method = *rng.pick(&["GET", "GET", "POST", "HEAD", "CONNECT"]);
        all.splice(0..0, Request::new(method, "/").headers);
    }
    all
}

fn response(rng: &mut Rng) -> Headers {
    let mut all = headers(rng);
    if !rng.one_in(6) {
        let status = *rng.pick(STATUSES);
        all.insert(0, (b":status".to_vec(), status.as_bytes().to_vec()));
    }
    all
}

/// An open request, and the number of its callbacks so far.
struct Open {
    id: StreamId,
    next: usize,
}

/// Runs a callback of a stream or of the root: the usual next one, or a random one.
fn event(vm: &mut Vm, open: &mut Vec<Open>, rng: &mut Rng) -> Result<(), Trap> {
    if open.is_empty() || (open.len() < OPEN && rng.one_in(6)) {
        open.push(Open {
            id: vm.open()?,
            next: 0,
        });
    }
    let at = rng.below(open.len());
    let Open { id, next } = open[at];
    open[at].next += 1;
    let eos = rng.one_in(3);
    let len = *rng.pick(&[0, 0, 1, 100, 20_000]);
    match if rng.one_in(3) { rng.below(12) } else { next } {
        0 => drop(vm.request_headers(id, request(rng), eos)?),
        1 => {
            if !rng.one_in(4) {
                let details = *rng.pick(DETAILS);
                vm.set_stream_property(id, "response.code_details", details);
            }
            vm.response_headers(id, response(rng), eos)?;
        }
        2 | 3 => drop(vm.response_body(id, &rng.bytes(len), eos)?),
        4 => drop(vm.response_trailers(id, headers(rng))?),
        5 => vm.log(id)?,
        6 => vm.done(id)?,
        7 => {
            open.swap_remove(at);
            vm.delete(id)?;
        }
        8 => drop(vm.request_body(id, &rng.bytes(len), eos)?),
        9 => drop(vm.request_trailers(id, headers(rng))?),
        10 => vm.tick(rng.below(100_000) as u64)?,
        _ if rng.one_in(8) => drop(vm.configure(configuration(rng).as_bytes())?),
        _ => {
            let name = *rng.pick(&["response.code_details", "response.flags", "xds.route_name"]);
            let value = if rng.one_in(2) {
                rng.bytes(8)
            } else {
                value(rng)
            };
            vm.set_stream_property(id, name, Property::Value(value));
        }
    }
    Ok(())
}

fn configuration(rng: &mut Rng) -> &'static str {
    if rng.one_in(2) {
        "{}"
    } else {
        rng.pick::<&str>(CONFIGS)
    }
}

/// Plays the sequence of a seed. Returns the number of faults and of pages.
fn sequence(seed: u64) -> Result<(u64, u64), Trap> {
    let mut rng = Rng::new(seed);
    let config = configuration(&mut rng);
    let faults = match rng.below(4) {
        0 => Faults::none(),
        1 => Faults::chaos(seed, 2),
        _ => Faults::chaos(seed, 6),
    };
    let mut vm = if rng.one_in(8) {
        host().start_with(&World::new(), config.as_bytes(), faults.clone())?
    } else {
        copy_of_started(config)
    };
    vm.set_faults(faults);
    let mut open = Vec::new();
    for _ in 0..EVENTS {
        event(&mut vm, &mut open, &mut rng)?;
    }
    // Without faults, it serves or passes again.
    let injected = vm.faults().injected();
    let pages = vm.counts().of(Call::SetHeaderMapPairs) + vm.counts().of(Call::SendLocalResponse);
    vm.set_faults(Faults::none());
    for stage in stages::all() {
        let seen = vm.exchange(&stage.request, &stage.response)?;
        let fine = stages::is_untouched(&stage, &seen) || stages::is_page(&seen);
        assert!(
            fine || seen.status() >= 400,
            "seed {seed}: {}: {}",
            stage.name,
            stages::show(&seen)
        );
    }
    vm.shutdown()?;
    Ok((injected, pages))
}

#[test]
fn no_sequence_of_callbacks_and_faults_traps() {
    let (mut injected, mut pages) = (0, 0);
    for seed in 0..SEQUENCES {
        let (i, p) = sequence(seed).unwrap_or_else(|trap| panic!("seed {seed}: {trap}"));
        injected += i;
        pages += p;
    }
    println!("{SEQUENCES} sequences of {EVENTS} callbacks: {pages} pages, {injected} faults");
    assert!(injected > 2 * SEQUENCES, "too few faults: {injected}");
    assert!(pages > SEQUENCES / 2, "too few pages: {pages}");
}

#[test]
fn truncated_and_inconsistent_header_blocks_do_not_trap() {
    for stage in stages::all() {
        for fault in Fault::OF_DATA {
            for seed in 0..100 {
                let mut vm = copy_of_started("{}");
                let call = if seed % 4 == 0 {
                    Call::GetHeaderMapValue
                } else {
                    Call::GetHeaderMapPairs
                };
                vm.set_faults(Faults::always(call, fault).seed(seed));
                let seen = vm.exchange(&stage.request, &stage.response);
                seen.unwrap_or_else(|trap| panic!("{}: {fault:?} seed {seed}: {trap}", stage.name));
            }
        }
    }
}
