use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::{comparable, Site, PLAIN};

const FORCED: &str = r#"{ "breaker": { "mode": "forced_open" } }"#;
const CLOSED: &str = r#"{ "routes": [{ "name": "all", "maintenance": true }] }"#;

/// Encodes a field of a protobuf message that has a length.
fn field(number: u32, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [
        varint((number << 3) | 2),
        varint(value.len().try_into().expect("a short field")),
        value.to_vec(),
    ]
    .concat()
}

fn varint(mut number: u32) -> Vec<u8> {
    let low = |number: u32| u8::try_from(number & 0x7f).expect("seven bits");
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(low(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low(number));
    bytes
}

/// Returns a descriptor set (`descriptor.proto`) with the service `talk.Talk`: `Say` is `POST /*/say` in JSON,
/// `Hear` is `GET /*/hear`. All messages are empty.
fn descriptors() -> Vec<u8> {
    let method = |name: &str, rule: Vec<u8>| {
        // The extension `google.api.http`.
        let options = field(72_295_728, rule);
        let text = ".talk.Text";
        field(
            2,
            [
                field(1, name),
                field(2, text),
                field(3, text),
                field(4, options),
            ]
            .concat(),
        )
    };
    let say = method("Say", [field(4, "/*/say"), field(7, "*")].concat());
    let hear = method("Hear", field(2, "/*/hear"));
    let file = [
        field(1, "talk.proto"),
        field(2, "talk"),
        field(4, field(1, "Text")),
        field(6, [field(1, "Talk"), say, hear].concat()),
        field(12, "proto3"),
    ];
    field(1, file.concat())
}

fn transcoder() -> Value {
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine as _;
    let config = json!({
        "proto_descriptor_bin": STANDARD.encode(descriptors()),
        "services": ["talk.Talk"],
        // The route is that of the path that the client asks for.
        "match_incoming_request_route": true,
    });
    let kind = "extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder";
    json!({ "name": "envoy.filters.http.grpc_json_transcoder", "typed_config": typed(kind, config) })
}

fn bridge(name: &str, kind: &str) -> Value {
    let kind = format!("extensions.filters.http.{kind}");
    json!({ "name": name, "typed_config": typed(&kind, json!({})) })
}

fn connect_bridge() -> Value {
    bridge(
        "envoy.filters.http.connect_grpc_bridge",
        "connect_grpc_bridge.v3.FilterConfig",
    )
}

fn http1_bridge() -> Value {
    bridge(
        "envoy.filters.http.grpc_http1_bridge",
        "grpc_http1_bridge.v3.Config",
    )
}

fn say(path: &str) -> Request {
    Request::new("POST", &format!("{path}/say"))
        // The upstream sees the path of the method.
        .header("x-behaviour", path.trim_matches('/'))
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body("{}")
}

fn hear(path: &str) -> Request {
    Request::get(&format!("{path}/hear"))
        .header("x-behaviour", path.trim_matches('/'))
        .header("accept", "application/json")
}

fn is_problem(answer: &Response, status: u16, reason: &str, context: &str) {
    let context = format!("{context}: {answer:?}");
    assert_eq!(answer.status, status, "{context}");
    let kind = answer.header("content-type");
    assert_eq!(
        kind,
        Some("application/problem+json; charset=utf-8"),
        "{context}"
    );
    let problem: Value = serde_json::from_str(answer.text()).expect("JSON");
    assert_eq!(problem["reason"], reason, "{context}");
    assert_eq!(problem["status"], status, "{context}");
    assert!(answer.headers.has("retry-after"), "{context}");
    let of_grpc = answer
        .headers
        .0
        .iter()
        .find(|(name, _)| name.starts_with("grpc-"));
    assert_eq!(of_grpc, None, "{context}");
    assert_eq!(answer.broken, None, "{context}");
}

#[test]
fn json_clients_of_a_transcoder_get_problem_json() {
    let page = |text| tidegate(&tidegate_e2e::module(), text);
    let site = Site::with_filters(vec![
        ("behind", vec![transcoder(), page(None)]),
        ("behind-forced", vec![transcoder(), page(Some(FORCED))]),
        ("behind-closed", vec![transcoder(), page(Some(CLOSED))]),
        ("before", vec![page(None), transcoder()]),
        ("before-forced", vec![page(Some(FORCED)), transcoder()]),
        ("before-closed", vec![page(Some(CLOSED)), transcoder()]),
        ("alone", vec![transcoder()]),
    ]);
    for protocol in [Protocol::H1, Protocol::H2] {
        for side in ["behind", "before"] {
            for request in [say, hear] {
                for (suffix, path, status, reason) in [
                    ("", "/refused", 502, "connection_refused"),
                    ("", "/hang", 504, "http_response_timeout"),
                    ("-forced", "/200", 503, "circuit_open"),
                    ("-closed", "/200", 503, "maintenance"),
                    // A failure that is not of the service.
                    ("", "/502-h2", 502, "upstream_bad_gateway"),
                ] {
                    let listener = format!("{side}{suffix}");
                    let answer = site.client(&listener, protocol).get(&request(path));
                    is_problem(
                        &answer,
                        status,
                        reason,
                        &format!("{listener} {protocol:?} {path}"),
                    );
                }
            }
        }
        // What the service itself reports, in its headers, is a response of the transcoder.
        for request in [say("/grpc-2"), hear("/grpc-14")] {
            let [alone, with] = ["alone", "behind"]
                .map(|listener| comparable(&site.client(listener, protocol).get(&request)));
            assert_eq!(with, alone, "{request:?}");
        }
        // A visitor gets a page. The request was GET for them.
        let request = Request::get("/refused/hear").header("accept", "text/html");
        let page = site.client("behind", protocol).get(&request);
        assert_eq!(page.status, 502);
        assert!(page.text().contains("<script>"), "{page:?}");
    }
    assert_eq!(
        site.client(PLAIN, Protocol::H1)
            .get(&Request::get("/200/"))
            .status,
        200
    );
}

/// The clients of this bridge send gRPC calls over HTTP/1.1, so that Envoy knows them as calls.
#[test]
fn calls_over_http1_get_their_status_on_either_side_of_the_bridge() {
    let page = |text| tidegate(&tidegate_e2e::module(), text);
    let site = Site::with_filters(vec![
        ("behind", vec![http1_bridge(), page(None)]),
        ("behind-forced", vec![http1_bridge(), page(Some(FORCED))]),
        ("before", vec![page(None), http1_bridge()]),
        ("before-forced", vec![page(Some(FORCED)), http1_bridge()]),
    ]);
    let call = |path: &str| {
        Request::new("POST", path)
            .header("content-type", "application/grpc")
            .body([0_u8; 5])
    };
    for side in ["behind", "before"] {
        for (suffix, path) in [
            ("", "/refused/Call"),
            ("", "/502/Call"),
            ("-forced", "/200/Call"),
        ] {
            let listener = format!("{side}{suffix}");
            let answer = site.client(&listener, Protocol::H1).get(&call(path));
            let context = format!("{listener} {path} {answer:?}");
            assert_eq!(answer.header("grpc-status"), Some("14"), "{context}");
            let pushback = answer.header("grpc-retry-pushback-ms");
            assert!(pushback.is_some_and(|ms| ms != "-1"), "{context}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/grpc"),
                "{context}"
            );
        }
    }
}

/// Before the bridge, the filter knows that the client speaks Connect.
#[test]
fn connect_clients_get_their_error_if_the_filter_stands_before_the_bridge() {
    let page = |text| tidegate(&tidegate_e2e::module(), text);
    let site = Site::with_filters(vec![
        ("before", vec![page(None), connect_bridge()]),
        ("before-forced", vec![page(Some(FORCED)), connect_bridge()]),
        ("behind", vec![connect_bridge(), page(None)]),
        ("behind-forced", vec![connect_bridge(), page(Some(FORCED))]),
        ("alone", vec![connect_bridge()]),
    ]);
    let call = |path: &str| {
        Request::new("POST", path)
            .header("content-type", "application/json")
            .header("connect-protocol-version", "1")
            .body("{}")
    };
    for protocol in [Protocol::H1, Protocol::H2] {
        for (listener, path) in [("before", "/refused/Call"), ("before-forced", "/200/Call")] {
            let answer = site.client(listener, protocol).get(&call(path));
            let context = format!("{listener} {answer:?}");
            assert_eq!(answer.status, 503, "{context}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/json"),
                "{context}"
            );
            let error: Value = serde_json::from_str(answer.text()).expect("JSON");
            assert_eq!(error["code"], "unavailable", "{context}");
            assert!(answer.headers.has("retry-after"), "{context}");
        }
        // Behind it, a failure passes as without the filter, and a rejection has a status that says as much.
        let [alone, behind] = ["alone", "behind"].map(|listener| {
            comparable(&site.client(listener, protocol).get(&call("/refused/Call")))
        });
        assert_eq!(behind, alone);
        let rejected = site
            .client("behind-forced", protocol)
            .get(&call("/200/Call"));
        assert_eq!(rejected.status, 503, "{rejected:?}");
    }
}
