//! Responses that are meant for the client reach it byte for byte: the same request gets the same
//! response through a listener with the filter and through one without.

use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::{Request, Response};

use crate::site::kinds::meant;
use crate::site::{comparable, Site, PLAIN};

#[test]
fn intended_responses_pass_byte_for_byte() {
    let site = Site::start(&[("page", None)]);
    for request in requests() {
        same(&site, "page", &request);
    }
}

#[test]
fn shadow_and_off_change_nothing() {
    let site = Site::start(&[
        ("shadow", Some(r#"{ "mode": "shadow" }"#)),
        ("off", Some(r#"{ "mode": "off" }"#)),
    ]);
    for listener in ["shadow", "off"] {
        for path in [
            "/502/",
            "/502-empty/",
            "/refused/",
            "/no-cluster/",
            "/502-big/",
            "/hang/",
        ] {
            same(&site, listener, &Request::get(path));
            same(&site, listener, &Request::new("HEAD", path));
        }
        same(&site, listener, &Request::grpc("/refused/"));
    }
}

#[test]
fn broken_responses_and_upgrades_pass_unchanged() {
    let site = Site::start(&[("page", None)]);
    for protocol in [Protocol::H1, Protocol::H2] {
        let [without, with] = [PLAIN, "page"].map(|listener| {
            site.client(listener, protocol)
                .get(&Request::get("/200-cut/"))
        });
        // A success that has begun cannot be withdrawn.
        assert!(with.broken.is_some(), "{with:?}");
        assert_eq!(comparable(&with), comparable(&without));
        let [without, with] = [PLAIN, "page"].map(|listener| {
            site.client(listener, protocol)
                .get(&Request::websocket("/upgrade/"))
        });
        assert_eq!(
            with.status,
            if protocol == Protocol::H1 { 101 } else { 200 }
        );
        assert_eq!(comparable(&with), comparable(&without));
    }
}

/// Returns requests for all responses that pass.
fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for (name, _, answer) in meant() {
        let path = format!("/{name}/");
        if name.starts_with("grpc") {
            requests.push(Request::grpc(&path));
            continue;
        }
        requests.push(Request::get(&path));
        requests.push(Request::get(&path).header("accept", "text/html"));
        requests.push(Request::new("HEAD", &path));
        requests.push(Request::new("POST", &path).body("a=b"));
        if answer.status == 200 {
            requests.push(Request::grpc(&path));
        }
    }
    for path in [
        "/robots.txt",
        "/robots.txt?now",
        "/.well-known/security.txt",
    ] {
        requests.push(Request::get(path).header("accept", "text/html"));
        requests.push(Request::new("HEAD", path));
    }
    requests
}

fn same(site: &Site, listener: &str, request: &Request) {
    for protocol in [Protocol::H1, Protocol::H2] {
        let get = |listener| site.client(listener, protocol).get(request);
        let (without, with) = (get(PLAIN), get(listener));
        let fits = comparable(&with) == comparable(&without);
        let show = |response: &Response| {
            let body: Vec<u8> = response.body.iter().take(200).copied().collect();
            format!(
                "{:?}",
                Response {
                    body,
                    ..comparable(response)
                }
            )
        };
        assert!(
            fits,
            "{} {} {protocol:?} through {listener}:\n{}\nwithout the filter:\n{}",
            request.method,
            request.path,
            show(&with),
            show(&without)
        );
    }
}
