//! The filter never makes things worse: clients cannot crash the module, whatever they send, and
//! failures do not cost connections to the upstream.

use std::sync::Arc;

use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::Request;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::site::Site;

/// A header value that is not UTF-8. Filters that read it as text trap.
const HOSTILE: &[u8] = b"a\xffb";

#[test]
fn headers_that_are_not_utf8_do_not_trap() {
    const REQUESTS: usize = 10_000;
    let site = Site::start(&[("page", Some(r#"{ "breaker": { "mode": "disabled" } }"#))]);
    let paths = [
        "/200/",
        "/502/",
        "/502-empty/",
        "/refused/",
        "/no-cluster/",
        "/502-json/",
        "/404/",
    ];
    // Every header that the filter reads, and some that it does not.
    let names = [
        "x-foo",
        "accept",
        "sec-fetch-dest",
        "user-agent",
        "accept-language",
        "x-request-id",
    ];
    let clients = [Protocol::H1, Protocol::H2].map(|p| Arc::new(site.client("page", p)));
    let answered = tidegate_e2e::runtime().block_on(async {
        let places = Arc::new(Semaphore::new(32));
        let mut tasks = JoinSet::new();
        for n in 0..REQUESTS {
            let (path, name) = (paths[n % paths.len()], names[n / paths.len() % names.len()]);
            let request = match n / 97 % 4 {
                0 => Request::grpc(path),
                1 => Request::new("HEAD", path),
                2 => Request::new("POST", path).body("a=b"),
                _ => Request::get(path),
            };
            let request = request.header(name, HOSTILE).header("x-foo", HOSTILE);
            let (client, places) = (clients[n % 2].clone(), places.clone());
            tasks.spawn(async move {
                let _place = places.acquire_owned().await;
                let status = client.send(&request).await.map(|answer| answer.status);
                (request, status)
            });
        }
        tasks.join_all().await
    });
    assert_eq!(answered.len(), REQUESTS);
    for (request, status) in answered {
        let expected = match request.path.as_str() {
            _ if request.headers.get("content-type") == Some("application/grpc") => {
                // Responses that are not failures pass unchanged.
                match request.path.as_str() {
                    "/404/" => 404,
                    _ => 200,
                }
            }
            "/200/" => 200,
            "/404/" => 404,
            "/no-cluster/" => 503,
            _ => 502,
        };
        assert_eq!(status, Ok(expected), "{} {}", request.method, request.path);
    }
    let request = Request::get("/502/")
        .header("accept", "text/html")
        .header("x-foo", HOSTILE);
    let answer = site.client("page", Protocol::H1).get(&request);
    assert_eq!(
        answer.header("x-tidegate-page"),
        Some("upstream_bad_gateway")
    );
    assert!(answer.text().starts_with("<!doctype html>"));
}

#[test]
fn failures_keep_upstream_connections() {
    const REQUESTS: u64 = 40;
    let site = Site::start(&[("page", Some(r#"{ "breaker": { "mode": "disabled" } }"#))]);
    let client = site.client("page", Protocol::H1);
    for path in ["/502/", "/502-chunked/", "/502-gzip/", "/502-empty/"] {
        let before = site.upstream.requests(path.trim_matches('/'));
        for _ in 0..REQUESTS {
            assert_eq!(client.get(&Request::get(path)).status, 502, "{path}");
        }
        assert_eq!(
            site.upstream.requests(path.trim_matches('/')) - before,
            REQUESTS,
            "{path}"
        );
    }
    assert_eq!(
        site.envoy
            .stat("cluster.h1.upstream_cx_destroy_with_active_rq"),
        0
    );
    assert_eq!(site.envoy.stat("cluster.h1.upstream_cx_total"), 1);
    assert_eq!(site.envoy.stat("http.page.downstream_cx_total"), 1);
}

#[test]
fn page_does_not_wait_for_the_upstreams_body() {
    let site = Site::start(&[("page", None)]);
    // The upstream never ends its body, and the route has no timeout; the client has one.
    let answer = site
        .client("page", Protocol::H1)
        .get(&Request::get("/502-stuck/"));
    assert_eq!((answer.status, answer.broken), (502, None));
    assert_eq!(
        answer.headers.get("x-tidegate-page"),
        Some("upstream_bad_gateway")
    );
}
