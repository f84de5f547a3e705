//! How much memory of the VM requests in flight take. The memory of a wasm VM never shrinks.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use tidegate_e2e::config::{cluster, merge, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::upstream::{Behaviour, Upstream};

/// Requests in flight. Each takes a file of this process at either end: 1,024 is a usual limit.
const REQUESTS: usize = 400;
/// Headers of a request: together just under the 60 KiB that Envoy accepts.
const HEADERS: usize = 57;
const HEADER_BYTES: usize = 1024;
/// What the requests may add to the memory of their VM: 5 KiB each, where their headers have 58.
const GROWTH_BYTES: u64 = 2 << 20;

#[test]
fn requests_in_flight_keep_little_of_their_headers() {
    let upstream = Upstream::start([("hang", Behaviour::Hang)]);
    let limits =
        json!({ "max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096 });
    let limits = json!({ "circuit_breakers": { "thresholds": [limits] } });
    let listener = Listener::new("main")
        .filter(tidegate(&tidegate_e2e::module(), None))
        .routes([merge(
            route("/", "up"),
            json!({ "route": { "timeout": "0s" } }),
        )]);
    let clusters = vec![merge(cluster("up", &[upstream.address()]), limits)];
    let envoy = Envoy::start(&Bootstrap::new(clusters, vec![listener.json()]));
    let before = envoy.wasm_memories()[0];
    let headers: String = (0..HEADERS)
        .map(|number| format!("x-{number}: {}\r\n", "a".repeat(HEADER_BYTES)))
        .collect();
    let request = format!("GET /hang/ HTTP/1.1\r\nhost: shop.example\r\n{headers}\r\n");
    let _clients: Vec<TcpStream> = (0..REQUESTS)
        .map(|_| {
            let mut client = TcpStream::connect(envoy.listener("main")).expect("connect to Envoy");
            client
                .write_all(request.as_bytes())
                .expect("send a request");
            client
        })
        .collect();
    // All are in flight: the filter has seen the headers of each.
    envoy.wait_for_stat("cluster.up.upstream_rq_active", REQUESTS as u64);
    let after = envoy.wasm_memories()[0];
    println!("memory of the VM: {before} bytes, with {REQUESTS} requests in flight {after}");
    assert!(after - before <= GROWTH_BYTES, "{} bytes", after - before);
}
