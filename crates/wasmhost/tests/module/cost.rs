//! What a request costs at the boundary. The counts are exact, and do not depend on the machine.

use tidegate_wasmhost::{Call, Counts, Gives};

use super::{golden, stages, vm};

/// Host calls of a healthy request that return data. Each one re-enters the module for memory, which takes
/// a microsecond or two.
const HEALTHY_MALLOCS: u64 = 2;
/// The same for a rejection: headers, route name, cluster, and the client's address, since a half-open
/// circuit serves those who did not have their turn. (The route has no metadata here.)
const REJECTED_MALLOCS: u64 = 4;
/// The same for a request that passes while another circuit is open: also the status of its response.
const WATCHED_MALLOCS: u64 = 4;
/// Instructions for a healthy request, all callbacks together. Eight callbacks pass through the SDK's dispatcher.
const HEALTHY_FUEL: u64 = 4_500;
/// Instructions for a request that passes while another circuit is open, so that its route is looked up.
const WATCHED_FUEL: u64 = 11_500;
/// Instructions for a page.
const FAILING_FUEL: u64 = 62_000;
/// Instructions for a rejection by an open circuit, with its page.
const REJECTING_FUEL: u64 = 45_500;
/// Instructions for the first page of its kind, for which a template is specialized.
const FIRST_FUEL: u64 = 143_000;

/// The first failure opens the circuit, for longer than a test takes.
/// Whatever is asked for, the circuit of the route decides.
const ONE_FAILURE: &str = r#"{"breaker":{"scope":"route","consecutive":{"failures":1,"for":"0s"},
    "open":{"base":"10m","max":"10m"}}}"#;

/// Instructions for a page of 256 KiB with 500 blocks. It must take well under a millisecond, in which
/// 3 GHz execute three million of them at one per cycle.
const LARGE_PAGE_FUEL: u64 = 1_500_000;

fn row(name: &str, counts: &Counts, page: usize) -> String {
    let short = |name: &str| {
        name.trim_start_matches("proxy_")
            .trim_start_matches("on_")
            .to_owned()
    };
    let times = |name: String, n: u64| if n == 1 { name } else { format!("{name} x{n}") };
    let calls_in: Vec<String> = counts
        .calls_in
        .iter()
        .map(|(c, n)| times(short(c), *n))
        .collect();
    let calls_out: Vec<String> = counts
        .calls_out
        .iter()
        .map(|(call, n)| {
            let star = if call.gives() == Gives::Data { "*" } else { "" };
            times(format!("{}{star}", short(call.name())), *n)
        })
        .collect();
    format!(
        "{name}\n  in   {:2}  {}\n  out  {:2}  {}\n  data {:2}  bytes in {}, out {} besides the page\n\n",
        counts.total_in(),
        calls_in.join(", "),
        counts.total_out(),
        calls_out.join(", "),
        counts.mallocs,
        counts.bytes_in,
        counts.bytes_out.saturating_sub(page as u64),
    )
}

#[test]
fn calls_and_bytes_of_each_stage_are_as_in_the_golden() {
    let mut table = String::from(
        "What crosses between Envoy and the module for one request.\n\
         in: callbacks. out: host calls; those with * return data. data: how many did, each of\n\
         which made the host call malloc.\n\n",
    );
    for stage in stages::all() {
        let mut vm = vm("{}");
        // The first exchange does what is done only once.
        vm.reset_counts();
        vm.exchange(&stage.request, &stage.response).unwrap();
        let first = vm.counts().fuel;
        println!("{:42} the first: fuel {first:7}", stage.name);
        assert!(first <= FIRST_FUEL, "{}: {first} fuel", stage.name);
        vm.reset_counts();
        let seen = vm.exchange(&stage.request, &stage.response).unwrap();
        let page = match &seen.reply {
            Some(reply) => reply.body.len(),
            None if stage.replaced => seen.body.len(),
            None => 0,
        };
        let counts = vm.counts();
        table.push_str(&row(stage.name, counts, page));
        print_fuel(stage.name, counts, page);
        // The status of a gRPC service passes, but is a failure for its circuit.
        let fails = stage.replaced || stage.name == "gRPC, status of its own";
        let fuel = if fails { FAILING_FUEL } else { HEALTHY_FUEL };
        if stage.name != "failure meant for programs" {
            assert!(
                counts.fuel <= fuel,
                "{}: {} of {fuel} fuel",
                stage.name,
                counts.fuel
            );
        }
    }
    let mut vm = vm_with_an_open_circuit();
    for stage in stages::while_open() {
        // The route may be a new one.
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.reset_counts();
        let seen = vm.exchange(&stage.request, &stage.response).unwrap();
        let counts = vm.counts();
        assert_eq!(seen.sent_upstream, !stage.replaced, "{}", stage.name);
        let page = seen.reply.map_or(0, |reply| reply.body.len());
        table.push_str(&row(stage.name, counts, page));
        print_fuel(stage.name, counts, page);
        let fuel = if stage.replaced {
            REJECTING_FUEL
        } else {
            WATCHED_FUEL
        };
        assert!(
            counts.fuel <= fuel,
            "{}: {} of {fuel} fuel",
            stage.name,
            counts.fuel
        );
    }
    golden::check("cost.txt", &table);
}

/// Prints a row. Fuel depends on the compiler, so that it is limited but not in the golden.
fn print_fuel(name: &str, counts: &Counts, page: usize) {
    let (calls_in, calls_out) = (counts.total_in(), counts.total_out());
    let fuel = counts.fuel;
    println!("{name:42} in {calls_in:2}, out {calls_out:2}, fuel {fuel:7}, page of {page:5} bytes");
}

fn vm_with_an_open_circuit() -> tidegate_wasmhost::Vm {
    let mut vm = vm(ONE_FAILURE);
    let stages = stages::all();
    let failure = stages.iter().find(|stage| stage.replaced).unwrap();
    vm.exchange(&failure.request, &failure.response).unwrap();
    let seen = vm.exchange(&failure.request, &failure.response).unwrap();
    assert_eq!(seen.header("x-tidegate-page"), Some("circuit_open"));
    vm
}

#[test]
fn a_rejection_reads_headers_route_and_cluster_only() {
    for stage in stages::while_open() {
        let mut vm = vm_with_an_open_circuit();
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.reset_counts();
        vm.exchange(&stage.request, &stage.response).unwrap();
        let counts = vm.counts();
        let mallocs = if stage.replaced {
            REJECTED_MALLOCS
        } else {
            WATCHED_MALLOCS
        };
        assert!(counts.mallocs <= mallocs, "{}: {counts:?}", stage.name);
        for call in [Call::GetSharedData, Call::SetSharedData, Call::Log] {
            assert_eq!(counts.of(call), 0, "{}: {call:?}", stage.name);
        }
    }
}

#[test]
fn a_healthy_request_makes_two_calls_that_return_data() {
    for stage in stages::all()
        .iter()
        .filter(|stage| stage.name.starts_with("healthy"))
    {
        let mut vm = vm("{}");
        vm.reset_counts();
        vm.exchange(&stage.request, &stage.response).unwrap();
        let counts = vm.counts();
        assert!(
            counts.mallocs <= HEALTHY_MALLOCS,
            "{}: {counts:?}",
            stage.name
        );
        for call in [
            Call::GetSharedData,
            Call::SetSharedData,
            Call::GetCurrentTime,
            Call::GetProperty,
        ] {
            assert_eq!(counts.of(call), 0, "{}: {call:?}", stage.name);
        }
    }
}

/// Instructions for one pattern, the longest there can be, and the worst path for it. A failing request is
/// compared three times.
const PATH_FUEL: u64 = 250_000;
/// The same for the worst host.
const HOST_FUEL: u64 = 70_000;

/// Patterns are the operator's, texts are the clients': the worker stands still while it matches them.
#[test]
fn long_texts_take_bounded_time_whatever_the_patterns() {
    let list = |many: usize, pattern: &dyn Fn(usize) -> String| {
        let patterns: Vec<String> = (0..many).map(|n| format!("{:?}", pattern(n))).collect();
        format!("[{}]", patterns.join(","))
    };
    let worst = |n: usize| format!("*{}b{n}*", "a".repeat(240));
    let usual = |n: usize| format!("*.php{n}*");
    let skip = |patterns: String| format!(r#"{{"intercept":{{"skip":{{"paths":{patterns}}}}}}}"#);
    let rules: Vec<String> = (0..256)
        .map(|n| format!(r#"{{"name":"p{n}","match":{{"host":{:?}}}}}"#, worst(n)))
        .collect();
    let hosts = list(64, &worst);
    let page = format!(r#"{{"template":"t","match":{{"hosts":{hosts}}}}}"#);
    let pages = format!(
        r#"{{"templates":{{"t":{{"html":"x"}}}},"pages":[{}]}}"#,
        vec![page; 50].join(",")
    );
    let get = |host: &str, path: &str| {
        tidegate_wasmhost::Request::new("GET", path).header(":authority", host)
    };
    let path = |bytes: usize| format!("/{}", "a".repeat(bytes));
    let host = |bytes: usize| "a".repeat(bytes);
    let stages = stages::all();
    let stage = stages
        .iter()
        .find(|stage| stage.name == "failure with body")
        .unwrap();
    let rules = format!(r#"{{"routes":[{}]}}"#, rules.join(","));
    for (what, limit, config, request) in [
        (
            "64 paths",
            64 * PATH_FUEL,
            skip(list(64, &worst)),
            get("shop", &path(58_000)),
        ),
        (
            "64 paths, 4 KB",
            64 * PATH_FUEL,
            skip(list(64, &worst)),
            get("shop", &path(3_500)),
        ),
        (
            "64 usual paths",
            64 * PATH_FUEL,
            skip(list(64, &usual)),
            get("shop", &path(58_000)),
        ),
        (
            "256 rules",
            256 * 1_000,
            rules.clone(),
            get(&host(50_000), "/"),
        ),
        (
            "256 rules, a host",
            256 * HOST_FUEL,
            rules,
            get(&host(255), "/"),
        ),
        (
            "50 pages of 64 hosts",
            3_200 * 1_000,
            pages.clone(),
            get(&host(50_000), "/"),
        ),
        (
            "50 pages, a host",
            3_200 * HOST_FUEL,
            pages,
            get(&host(255), "/"),
        ),
    ] {
        let mut vm = vm(&config);
        // The first page of a language is compiled.
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.reset_counts();
        let seen = vm.exchange(&request, &stage.response).unwrap();
        assert!(stages::is_page(&seen), "{what}");
        let fuel = vm.counts().fuel;
        println!("{what}: fuel {fuel}");
        assert!(fuel <= limit + FAILING_FUEL, "{what}: {fuel} fuel");
    }
}

#[test]
fn a_page_of_256_kib_with_500_blocks_is_rendered_quickly() {
    const BYTES: usize = 256 * 1024;
    const BLOCKS: usize = 500;
    let head = "<!doctype html><html lang='{{lang}}'><title>{{title}}</title>\n";
    let block = "{{#if sent}}<b>{{sent}}</b>{{else}}<p>{{title}}</p>{{/if}}\n";
    let text = (BYTES - head.len()) / BLOCKS - block.len();
    let html = head.to_owned() + &[block, &"x".repeat(text)].concat().repeat(BLOCKS);
    assert!(html.len() > BYTES - BLOCKS && html.matches("{{#if").count() == BLOCKS);
    let config =
        format!(r#"{{"templates":{{"t":{{"html":{html:?}}}}},"pages":[{{"template":"t"}}]}}"#);
    let mut vm = vm(&config);
    for stage in stages::all()
        .iter()
        .filter(|stage| stage.name == "failure with body")
    {
        // The first page allocates the memory.
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.reset_counts();
        let begun = std::time::Instant::now();
        let seen = vm.exchange(&stage.request, &stage.response).unwrap();
        let (took, fuel) = (begun.elapsed(), vm.counts().fuel);
        println!(
            "{}: fuel {fuel}, page of {} bytes, {took:?}",
            stage.name,
            seen.body.len()
        );
        assert!(
            seen.body.len() > BYTES / 10 * 9,
            "{} bytes",
            seen.body.len()
        );
        assert!(fuel <= LARGE_PAGE_FUEL, "{fuel} fuel");
    }
}

#[test]
fn at_most_one_request_per_tick_is_sampled() {
    let stages = stages::all();
    let stage = stages
        .iter()
        .find(|stage| stage.name.starts_with("healthy"))
        .unwrap();
    let mut vm = vm("{}");
    let asked = |vm: &mut tidegate_wasmhost::Vm, requests: u32| {
        vm.tick(50).unwrap();
        vm.reset_counts();
        for _ in 0..requests {
            vm.exchange(&stage.request, &stage.response).unwrap();
        }
        let counts = vm.counts();
        let more = counts.mallocs - HEALTHY_MALLOCS * u64::from(requests);
        (counts.of(Call::GetProperty), more)
    };
    assert_eq!(asked(&mut vm, 20), (0, 0), "there was no request before");
    // Route, cluster and metadata; when it began, and its client. The release is a header.
    assert_eq!(asked(&mut vm, 20).0, 5);
    assert!(asked(&mut vm, 20).1 <= 6);
    assert_eq!(asked(&mut vm, 20).0, 5);
}
