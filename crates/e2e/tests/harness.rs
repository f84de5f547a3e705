//! Tests of the harness itself, mostly on an Envoy without the filter.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::client::curl::curl;
use tidegate_e2e::client::upload::Upload;
use tidegate_e2e::client::{grpc, Client, Protocol};
use tidegate_e2e::config::{cluster, h2_cluster, merge, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::{BlackHole, NoNames, Refused};
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

#[test]
fn plain_envoy_passes_and_fails_as_scripted() {
    let refused = Refused::default();
    let black_hole = BlackHole::default();
    let upstream = Upstream::start([
        ("grpc", Behaviour::Answer(grpc_ok())),
        ("reset", Behaviour::Reset),
        ("close", Behaviour::Close),
        ("hang", Behaviour::Hang),
        ("upgrade", Behaviour::Upgrade),
        (
            "garbage",
            Behaviour::Garbage(b"\x00\x01 what is that\r\n\r\n".to_vec()),
        ),
        (
            "cut",
            Answer::status(200)
                .chunks("text/plain", &[b"half"])
                .cut()
                .into(),
        ),
        (
            "trailers",
            Answer::status(200)
                .chunks("a/b", &[b"x"])
                .trailer("t", "1")
                .into(),
        ),
    ]);
    let at = [upstream.address()];
    let fast = json!({ "connect_timeout": "0.2s" });
    let clusters = vec![
        cluster("h1", &at),
        h2_cluster("h2", &at),
        cluster("refused", &[refused.address()]),
        merge(cluster("black-hole", &[black_hole.address()]), fast),
    ];
    let hang = merge(
        route("/hang", "h1"),
        json!({ "route": { "timeout": "0.2s" } }),
    );
    let routes = [
        route("/refused", "refused"),
        route("/black-hole", "black-hole"),
        route("/grpc", "h2"),
        hang,
        route("/", "h1"),
    ];
    let listener = Listener::new("plain").routes(routes).json();
    let envoy = Envoy::start(&Bootstrap::new(clusters, vec![listener]));
    let address = envoy.listener("plain");

    let expected: [(&str, Request, u16, &str); 9] = [
        ("fine", Request::get("/fine"), 200, "via_upstream"),
        (
            "refused",
            Request::get("/refused"),
            503,
            "upstream_reset_before_response_started{",
        ),
        (
            "black hole",
            Request::get("/black-hole"),
            503,
            "upstream_reset_before_response_started{",
        ),
        (
            "reset",
            Request::get("/reset"),
            503,
            "upstream_reset_before_response_started{",
        ),
        (
            "close",
            Request::get("/close"),
            503,
            "upstream_reset_before_response_started{",
        ),
        (
            "garbage",
            Request::get("/garbage"),
            502,
            "upstream_reset_before_response_started{prot",
        ),
        ("hang", Request::get("/hang"), 504, "response_timeout"),
        ("grpc", Request::grpc("/grpc"), 200, "via_upstream"),
        (
            "upgrade",
            Request::websocket("/upgrade"),
            101,
            "via_upstream",
        ),
    ];
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = Client::new(protocol, address);
        for (name, request, status, details) in &expected {
            let mut request = request.clone();
            request.path.push_str(&format!("?{protocol:?}"));
            // RFC 8441 §5: over HTTP/2 an upgrade is accepted with 200.
            let switched = *status == 101 && protocol == Protocol::H2;
            let response = client.get(&request);
            let status = if switched { 200 } else { *status };
            assert_eq!(response.status, status, "{name} {protocol:?}");
            assert_eq!(response.broken, None, "{name} {protocol:?}");
            if *name == "upgrade" {
                continue; // logged when the tunnel ends
            }
            let logged = envoy.wait_for_access("plain", &request.path);
            let logged = logged["details"].as_str().unwrap_or_default().to_owned();
            assert!(logged.starts_with(details), "{name}: {logged}");
        }
        let cut = client.get(&Request::get("/cut"));
        assert_eq!(cut.status, 200);
        assert_eq!(cut.body, b"half");
        assert!(cut.broken.is_some());
        let response = client.get(&Request::get("/trailers"));
        assert_eq!(response.body, b"x");
        let head = client.get(&Request::new("HEAD", "/fine"));
        assert_eq!((head.status, head.body.len()), (200, 0));
        let post = client.get(&Request::new("POST", "/fine").body(vec![b'x'; 100_000]));
        assert_eq!(post.status, 200);
    }
    let answer = curl(address, "/fine", &["--http2-prior-knowledge"]);
    assert_eq!((answer.exit, answer.status), (Some(0), 200));
    assert_eq!(answer.body, b"the upstream is fine\n");
    assert!(upstream.requests("fine") >= 6);
    assert!(upstream.connections() > 0);
}

#[test]
fn grpc_client_reports_the_upstreams_status() {
    let unavailable = Answer::status(200)
        .header("content-type", "application/grpc")
        .header("grpc-status", "14")
        .header("grpc-message", "not now");
    let upstream = Upstream::start([("ok", grpc_ok()), ("unavailable", unavailable)]);
    let listener = Listener::new("grpc").routes([route("/", "h2")]).json();
    let clusters = vec![h2_cluster("h2", &[upstream.address()])];
    let envoy = Envoy::start(&Bootstrap::new(clusters, vec![listener]));
    let calls = grpc::calls(envoy.listener("grpc"), &["/ok/Call", "/unavailable/Call"]);
    let [ok, unavailable] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(ok["code"], "OK");
    assert_eq!(ok["response"], json!([]));
    assert_eq!(unavailable["code"], "UNAVAILABLE");
    assert_eq!(unavailable["details"], "not now");
    assert_eq!(unavailable["status"], Value::Null);
}

#[test]
fn listeners_can_be_replaced() {
    let listener = |body: &str| {
        let direct = json!({ "status": 200, "body": { "inline_string": body } });
        let route = json!({ "match": { "prefix": "/" }, "direct_response": direct });
        Listener::new("main").routes([route])
    };
    let answering = |body: &str| listener(body).json();
    let envoy = Envoy::start(&Bootstrap::new(vec![], vec![answering("one")]));
    let read = || Client::new(Protocol::H1, envoy.listener("main")).get(&Request::get("/"));
    assert_eq!(read().text(), "one");
    envoy.replace_listeners(&[answering("two")]);
    assert_eq!(read().text(), "two");
    let broken = listener("three")
        .manager(json!({ "stat_prefix": "" }))
        .json();
    envoy.replace_listeners(&[broken]);
    assert_eq!(envoy.stat("listener_manager.lds.update_rejected"), 1);
    assert_eq!(read().text(), "two");
}

#[test]
fn name_server_answers_nxdomain() {
    let server = NoNames::default();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("set the limit");
    // Identifier 0x1234, one question: a.invalid, type A, class IN.
    let query =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07invalid\x00\x00\x01\x00\x01";
    socket.send_to(query, server.address()).expect("ask");
    let mut answer = [0_u8; 100];
    let (len, _) = socket.recv_from(&mut answer).expect("an answer");
    assert_eq!(len, query.len());
    assert_eq!(answer[..2], [0x12, 0x34]);
    assert_eq!((answer[2] & 0x80, answer[3] & 0x0f), (0x80, 3));
}

fn grpc_ok() -> Answer {
    Answer::status(200)
        .chunks("application/grpc", &[&[0, 0, 0, 0, 0]])
        .trailer("grpc-status", "0")
}

#[test]
fn dead_module_fails_its_test() {
    let file =
        std::env::temp_dir().join(format!("tidegate-e2e-deadly-{}.wasm", std::process::id()));
    std::fs::write(&file, wat::parse_str(DEADLY).expect("a module")).expect("write the module");
    let direct = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    let listener = Listener::new("main")
        .filter(tidegate(&file, None))
        .routes([direct])
        .json();
    let envoy = Envoy::start(&Bootstrap::new(vec![], vec![listener]));
    let _ = std::fs::remove_file(&file);
    let answer = Client::new(Protocol::H1, envoy.listener("main")).get(&Request::get("/"));
    assert_eq!(answer.status, 503);
    let folder = envoy.folder().to_owned();
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(envoy)));
    std::fs::remove_dir_all(folder).expect("the folder of a test that failed");
    let said = end.expect_err("the end of an Envoy with a dead module");
    let said = said.downcast_ref::<String>().expect("a message");
    assert!(
        said.contains("Uncaught RuntimeError: unreachable"),
        "{said}"
    );
}

/// A module that traps on the first request.
const DEADLY: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) i32.const 0)
    (func (export "proxy_on_context_create") (param i32 i32))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable))"#;

#[test]
fn early_answers_come_before_the_upload_is_complete() {
    const NEVER_COMPLETE: Upload = Upload {
        size: 1_000_000,
        chunk: 1_000,
        rest: Duration::from_secs(5),
    };
    let upstream = Upstream::start([
        ("large", Behaviour::Early(Answer::status(413))),
        ("reset", Behaviour::Early(Answer::status(413).cut())),
        ("gone", Behaviour::GiveUp(Duration::from_millis(10))),
    ]);
    let request = |name: &str| Request::new("POST", "/any").header("x-behaviour", name);
    for protocol in [Protocol::H1, Protocol::H2] {
        for (name, wanted) in [("large", Some(413)), ("reset", Some(413)), ("gone", None)] {
            let request = request(name);
            let upload = NEVER_COMPLETE.send(protocol, upstream.address(), &request);
            let got = tidegate_e2e::runtime().block_on(upload);
            assert_eq!(got.clone().ok(), wanted, "{protocol:?} {name}: {got:?}");
        }
    }
}
