//! Requests leave no memory behind, however many there are and whatever clients send.

use tidegate_wasmhost::{Request, Vm, World};

use super::{all_policies, host, stages, vm, POLICIES};

/// Otherwise the failures would open the circuit.
const UNBROKEN: &str = r#"{"breaker":{"mode":"disabled"}}"#;

const ROUTES: usize = 20_000;
/// Failures between two ticks: 400 per second. Each one takes memory until the next tick.
const FAILURES_PER_TICK: usize = 20;
/// `MAX_ROUTES` of the core: further routes have no entry, or take that of a route that is well again.
const KEPT_ROUTES: usize = 1_024;
/// The most memory for a route that fails, with the circuits of its host and of one class.
const ROUTE_BYTES: usize = 2_048;
/// The most memory for a worker, whatever the number of routes: a fifth of it is lost between blocks when the
/// places of routes have changed hands.
const WORKER_BYTES: usize = 5 * MIB;
/// The unit in which the memory of a VM grows.
const PAGE_BYTES: usize = 64 * 1024;

const MIB: usize = 1024 * 1024;

/// Requests after which memory must not grow any more.
const WARM_UP: usize = 2_000;
const REQUESTS: usize = 100_000;
/// Failures in 25 seconds. In that time failures leave the windows of the first routes, and their places are
/// taken by others, once and again: what these need for a moment is allocated.
const BEYOND_WARM_UP: usize = 10_000;

#[test]
fn memory_is_flat_over_100_000_requests() {
    let stages = stages::all();
    let mut vm = vm("{}");
    ask_for_many_kinds(&mut vm);
    let mut warm = 0;
    for i in 0..WARM_UP + REQUESTS {
        if i == WARM_UP {
            warm = vm.memory_bytes();
        }
        let stage = &stages[i % stages.len()];
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.tick(1).unwrap();
    }
    println!(
        "memory: {} KiB after {WARM_UP} requests, {} KiB after {REQUESTS} more",
        warm / 1024,
        vm.memory_bytes() / 1024
    );
    assert_eq!(vm.memory_bytes(), warm, "it grew");
}

/// Asks for pages of more kinds than a worker keeps templates for, as happens anyway in the course of time.
fn ask_for_many_kinds(vm: &mut Vm) {
    const LANGUAGES: [&str; 20] = [
        "ar", "cs", "da", "de", "en", "es", "fi", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru",
        "sv", "tr", "uk", "vi", "zh",
    ];
    let stages = stages::all();
    let failure = stages.iter().find(|stage| stage.replaced).unwrap();
    for method in ["GET", "POST"] {
        for language in LANGUAGES {
            let request = Request::new(method, "/").header("accept-language", language);
            vm.exchange(&request, &failure.response).unwrap();
        }
    }
}

#[test]
fn a_failing_route_takes_little_memory_and_one_beyond_the_limit_none() {
    for (policies, config) in [(0, "{}"), (POLICIES, &*all_policies())] {
        let mut vm = vm(config);
        let configured = vm.memory_bytes();
        // The memory that requests need is allocated then.
        let busy = fail(&mut vm, std::iter::repeat_n(0, WARM_UP));
        let kept = fail(&mut vm, 1..KEPT_ROUTES);
        let full = fail(&mut vm, KEPT_ROUTES..KEPT_ROUTES + BEYOND_WARM_UP);
        let seen = fail(&mut vm, KEPT_ROUTES + BEYOND_WARM_UP..ROUTES);
        println!(
            "memory with {policies} policies: {} KiB, after {WARM_UP} pages {} KiB, with {KEPT_ROUTES} routes {} KiB ({} \
             bytes for each), with {ROUTES} {} KiB",
            configured / 1024,
            busy / 1024,
            kept / 1024,
            (kept - busy) / (KEPT_ROUTES - 1),
            seen / 1024
        );
        // Memory grows by whole pages.
        assert!(kept - busy <= ROUTE_BYTES * KEPT_ROUTES, "{policies}");
        // Names of other lengths leave other gaps. Eight bytes for each of these routes would take more than a page.
        assert!(
            seen <= full + PAGE_BYTES,
            "routes beyond the limit are kept: {full}, {seen}"
        );
        assert!(seen <= WORKER_BYTES);
    }
}

/// Returns the memory after a failure of each of these routes.
fn fail(vm: &mut Vm, routes: impl Iterator<Item = usize>) -> usize {
    let stages = stages::all();
    let stage = stages
        .iter()
        .find(|stage| stage.name == "failure, JSON client");
    let stage = stage.unwrap();
    for (n, route) in routes.enumerate() {
        let mut request = stage.request.clone();
        request.route = format!("shop-{route}");
        request.cluster = "outbound|8080||basket.shop.svc.cluster.local".to_owned();
        let seen = vm.exchange(&request, &stage.response).unwrap();
        assert!(stages::is_page(&seen), "{route}");
        if n % FAILURES_PER_TICK == 0 {
            vm.tick(50).unwrap();
        }
    }
    vm.memory_bytes()
}

/// The SDK's own getters trap on these bytes.
#[test]
fn header_values_that_are_not_utf8_do_not_trap_or_leak() {
    let bad: [&[u8]; 5] = [b"a\xffb", b"\xff", b"\xc3\x28", b"\x00", b"\xed\xa0\x80"];
    let names = [
        "x-foo",
        "accept",
        "accept-language",
        "user-agent",
        "x-request-id",
        ":path",
        "cookie",
    ];
    let stages = stages::all();
    let mut vm = vm(UNBROKEN);
    for i in 0..10_000 {
        let stage = &stages[i % stages.len()];
        let (value, name) = (bad[i % bad.len()], names[i % names.len()]);
        let request = stage.request.clone().header(name, value);
        let mut response = stage.response.clone();
        response = response.header("retry-after", value).header("x-bar", value);
        let seen = vm.exchange(&request, &response).unwrap();
        assert_eq!(
            stages::is_page(&seen),
            stage.replaced,
            "{}: {name}: {value:?}",
            stage.name
        );
    }
    assert_eq!(vm.take_misuse(), Vec::<String>::new());
}

#[test]
fn open_streams_are_independent_and_free_their_memory() {
    let stages = stages::all();
    let mut vm = vm(UNBROKEN);
    let mut warm = 0;
    for round in 0..30 {
        let ids: Vec<_> = (0..200).map(|_| vm.open().unwrap()).collect();
        for (i, id) in ids.iter().enumerate() {
            let stage = &stages[i % stages.len()];
            let seen = vm
                .exchange_on(*id, &stage.request, &stage.response)
                .unwrap();
            assert_eq!(stages::is_page(&seen), stage.replaced, "{}", stage.name);
        }
        for id in ids.into_iter().rev() {
            vm.finish(id).unwrap();
        }
        if round == 9 {
            warm = vm.memory_bytes();
        }
    }
    assert_eq!(vm.memory_bytes(), warm, "it grew");
}

/// Requests that wait for their response at the same time.
const HANGING: usize = 1_000;
/// What a client can send (Envoy `max_request_headers_kb` is 60 by default), without the usual headers.
const CLIENT_BYTES: usize = 58 * 1024;

/// The memory of a VM never shrinks.
#[test]
fn hanging_requests_keep_little_of_what_their_clients_sent() {
    let get = || Request::new("GET", "/basket?step=2");
    let filler = |bytes: usize| "x".repeat(bytes);
    let many = |name: &str, bytes: usize| {
        let mut request = get();
        let header = (name.as_bytes().to_vec(), filler(bytes).into_bytes());
        let headers = std::iter::repeat_n(header, CLIENT_BYTES / bytes);
        request.headers.extend(headers);
        request
    };
    let member = "application/json;q=0.5, ";
    for (what, request, bound) in [
        ("nothing more", get(), MIB * 3 / 2),
        ("cookies", many("cookie", 4 * 1024), 2 * MIB),
        ("small headers", many("x-own", 16), 2 * MIB),
        (
            "a long query",
            Request::new("GET", &format!("/basket?{}", filler(CLIENT_BYTES))),
            2 * MIB,
        ),
        (
            "a long path",
            Request::new("GET", &format!("/{}", filler(CLIENT_BYTES))),
            6 * MIB,
        ),
        (
            "a long list",
            get().header("accept", member.repeat(CLIENT_BYTES / member.len())),
            4 * MIB,
        ),
        ("a header again and again", many("accept", 16), 4 * MIB),
        (
            "a long id",
            get().header("x-request-id", filler(CLIENT_BYTES)),
            2 * MIB,
        ),
    ] {
        let mut vm = vm(UNBROKEN);
        let before = vm.memory_bytes();
        let ids: Vec<_> = (0..HANGING)
            .map(|_| {
                let id = vm.open().unwrap();
                vm.request_headers(id, request.headers.clone(), true)
                    .unwrap();
                id
            })
            .collect();
        let grown = vm.memory_bytes() - before;
        println!("{what}: {} KiB", grown / 1024);
        assert!(grown <= bound, "{what}: {} KiB", grown / 1024);
        for id in ids {
            vm.finish(id).unwrap();
        }
    }
}

/// `MAX_KEPT_BYTES` of the core.
const KEPT_BYTES: usize = 64 * MIB;
/// What a stream takes besides its headers, with the map of streams when it has just grown.
const STREAM_BYTES: usize = 2_048;

/// A trap for want of memory would stop the filter on this worker.
#[test]
fn beyond_the_budget_requests_pass_without_a_page_and_keep_nothing() {
    let stages = stages::all();
    let stage = stages
        .iter()
        .find(|stage| stage.name == "failure with body")
        .unwrap();
    let filler = "x".repeat(3_500);
    let request = Request::new("GET", "/basket").header("x-own", filler);
    let streams = KEPT_BYTES / 3_500 + 2_000;
    let world = World::new();
    let mut vm = host().start(&world, UNBROKEN.as_bytes()).unwrap();
    let before = vm.memory_bytes();
    let mut ids = Vec::new();
    for _ in 0..streams {
        let id = vm.open().unwrap();
        vm.request_headers(id, request.headers.clone(), true)
            .unwrap();
        ids.push(id);
    }
    let grown = vm.memory_bytes() - before;
    println!("{streams} requests in flight: {} KiB", grown / 1024);
    // The allocator's share: blocks of a size class are rounded up.
    assert!(
        grown <= KEPT_BYTES / 4 * 5 + streams * STREAM_BYTES,
        "{grown}"
    );
    let is_page = |vm: &mut Vm, id| {
        let headers = stage.response.headers.clone();
        let seen = vm.response_headers(id, headers, false).unwrap();
        seen.headers != stage.response.headers
    };
    let (first, last) = (ids.remove(0), ids.pop().unwrap());
    assert!(is_page(&mut vm, first));
    assert!(!is_page(&mut vm, last), "it kept nothing");
    for id in ids.into_iter().chain([first, last]) {
        vm.finish(id).unwrap();
    }
    let seen = vm.exchange(&stage.request, &stage.response).unwrap();
    assert!(stages::is_page(&seen), "there is room again");
    vm.tick(50).unwrap();
    let left_alone = world.metric("tidegate.requests_over_memory");
    assert!(left_alone >= Some(1_000), "{left_alone:?}");
}
