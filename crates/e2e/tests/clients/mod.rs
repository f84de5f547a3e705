//! Real clients: curl, grpcio, and the RPC libraries of scripts.

/// Connect and gRPC-Web.
mod rpc;

use serde_json::{json, Value};
use tidegate_e2e::client::curl::curl;
use tidegate_e2e::client::grpc;

use crate::site::Site;

const NAVIGATION: &str =
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

#[test]
fn curl_gets_pages_in_its_format_and_exit_codes() {
    let site = Site::start(&[("page", None)]);
    let address = site.envoy.listener("page");
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for (path, status, reason) in [
            ("/refused/", 502, "connection_refused"),
            ("/503/", 503, "upstream_unavailable"),
            ("/502-empty/", 502, "upstream_bad_gateway"),
            ("/502-gzip/", 502, "upstream_bad_gateway"),
        ] {
            let text = curl(address, path, &[version]);
            assert_eq!(
                (text.exit, text.status),
                (Some(0), status),
                "{path} {version}"
            );
            assert_eq!(text.headers.get("x-tidegate-page"), Some(reason));
            // A response without a body can have one only as a local reply, which a navigation gets.
            let is_empty = path == "/502-empty/";
            if is_empty {
                assert_eq!(text.headers.get("content-length"), Some("0"));
                assert!(text.headers.has("retry-after"), "{path} {version}");
            } else {
                assert_eq!(
                    text.headers.get("content-type"),
                    Some("text/plain; charset=utf-8")
                );
                let body = String::from_utf8(text.body).expect("text");
                assert!(body.starts_with(&status.to_string()), "{body}");
                assert!(body.contains(reason), "{body}");
            }

            let html = curl(address, path, &[version, "--compressed", "-H", NAVIGATION]);
            assert_eq!(
                (html.exit, html.status),
                (Some(0), status),
                "{path} {version}"
            );
            assert!(
                html.body.starts_with(b"<!doctype html>"),
                "{path} {version}"
            );

            let json = curl(address, path, &[version, "-H", "accept: application/json"]);
            assert_eq!(
                (json.exit, json.status),
                (Some(0), status),
                "{path} {version}"
            );
            match is_empty {
                true => assert_eq!(json.body, b"", "{path} {version}"),
                false => {
                    let problem: Value = serde_json::from_slice(&json.body).expect("JSON");
                    assert_eq!(problem["reason"], reason);
                }
            }

            // Scripts use -f to detect failures, and a page must not hide a failure from them.
            assert_eq!(
                curl(address, path, &[version, "-f"]).exit,
                Some(22),
                "{path} {version}"
            );
            let head = curl(address, path, &[version, "--head"]);
            assert_eq!(
                (head.exit, head.status),
                (Some(0), status),
                "{path} {version}"
            );
        }
        let post = curl(address, "/502/", &[version, "-d", "a=b"]);
        assert_eq!((post.exit, post.status), (Some(0), 502));
        let fine = curl(address, "/fine", &[version]);
        assert_eq!(fine.body, b"the upstream is fine\n");
    }
}

#[test]
fn grpc_client_gets_unavailable_with_a_retry_delay() {
    let site = Site::start(&[("page", None)]);
    let again = [
        "/refused/Call",
        "/502/Call",
        "/502-json/Call",
        "/502-h2/Call",
        "/reset/Call",
        "/no-cluster/Call",
    ];
    for call in grpc::calls(site.envoy.listener("page"), &again) {
        assert_eq!(call["code"], "UNAVAILABLE", "{call}");
        assert!(
            !call["details"].as_str().unwrap_or_default().is_empty(),
            "{call}"
        );
        let status = &call["status"];
        assert_eq!(status["code"], 14, "{call}");
        assert_eq!(status["message"], call["details"], "{call}");
        let pushback = metadata(&call, "grpc-retry-pushback-ms");
        assert_eq!(
            pushback,
            status["retry_delay_ms"].as_u64().map(|ms| ms.to_string()),
            "{call}"
        );
        assert!((3_000..=5_000).contains(&status["retry_delay_ms"].as_u64().unwrap_or(0)));
    }
    let [never, ok, own] = &grpc::calls(
        site.envoy.listener("page"),
        &["/untrusted/Call", "/grpc/Call", "/grpc-14/Call"],
    )[..] else {
        panic!("three calls, three answers")
    };
    assert_eq!(never["code"], "UNAVAILABLE");
    assert_eq!(
        metadata(never, "grpc-retry-pushback-ms").as_deref(),
        Some("-1")
    );
    assert_eq!((&ok["code"], &ok["response"]), (&json!("OK"), &json!([])));
    assert_eq!(
        (&own["code"], &own["details"]),
        (&json!("UNAVAILABLE"), &json!("no"))
    );
    assert_eq!(metadata(own, "grpc-retry-pushback-ms"), None);
}

/// Returns a metadata value that came with the status, wherever the library puts it.
fn metadata(call: &Value, name: &str) -> Option<String> {
    let lists = [&call["trailing"], &call["initial"]];
    lists
        .iter()
        .filter_map(|list| list.as_array())
        .flatten()
        .find(|pair| pair[0] == name)
        .and_then(|pair| pair[1].as_str().map(str::to_owned))
}
