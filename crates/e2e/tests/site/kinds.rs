//! The kinds of failure: how each is caused, and the expected result.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::upstream::{Answer, Behaviour, Body};

use super::{kind_route, Script};

/// Where the failing response comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Proxy,
    Upstream,
}
use Source::{Proxy, Upstream};

/// One kind of failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// First segment of the path that causes it.
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) source: Source,
    /// Status without the filter.
    pub(crate) sent: u16,
    /// Status of the page.
    pub(crate) status: u16,
    pub(crate) retryable: bool,
    /// The beginning of Envoy's own response code details.
    pub(crate) details: &'static str,
    /// The cluster of the route.
    pub(crate) cluster: &'static str,
}

/// Envoy's details when an upstream connection fails.
const RESET: &str = "upstream_reset_before_response_started{";
const VIA: &str = "via_upstream";
const DIRECT: &str = "direct_response";

/// One row of a table.
macro_rules! kinds {
    ($( $name:literal $reason:ident $source:ident $sent:literal -> $status:literal
        $retry:ident $details:expr, $cluster:literal; )+) => {
        &[$( Kind {
            name: $name, reason: stringify!($reason), source: $source, sent: $sent,
            status: $status, retryable: kinds!(@ $retry), details: $details, cluster: $cluster,
        } ),+]
    };
    (@ again) => { true };
    (@ never) => { false };
}

/// Failures that get a page with the default configuration.
#[rustfmt::skip]
pub(crate) const FAILURES: &[Kind] = kinds! {
    // name             reason                   made by  status       retry  Envoy's details,
    // cluster
    "refused"           connection_refused       Proxy    503 -> 502   again  RESET, "refused";
    "connect-timeout"   connection_timeout       Proxy    503 -> 504   again  RESET, "black-hole";
    "reset"             connection_terminated    Proxy    503 -> 502   again  RESET, "h1";
    "close"             connection_terminated    Proxy    503 -> 502   again  RESET, "h1";
    "reset-retried"     connection_terminated    Proxy    503 -> 502   again  RESET, "h1";
    "stream-reset"      connection_terminated    Proxy    503 -> 502   again  RESET, "h2";
    "garbage"           http_protocol_error      Proxy    502 -> 502   again  RESET, "h1";
    "hang"              http_response_timeout    Proxy    504 -> 504   again  "response_timeout", "h1";
    "hang-each-try"     http_response_timeout    Proxy    504 -> 504   again  "upstream_per_try_timeout", "h1";
    "hang-too-long"     http_response_timeout    Proxy    504 -> 504   again  "max_duration_timeout", "h1";
    "overflow"          connection_limit_reached Proxy    503 -> 503   again  RESET, "overflow";
    "no-hosts"          destination_unavailable  Proxy    503 -> 503   again  "no_healthy_upstream", "empty";
    "unhealthy"         destination_unavailable  Proxy    503 -> 503   again  "no_healthy_upstream", "unhealthy";
    "no-cluster"        destination_unavailable  Proxy    503 -> 503   again  "cluster_not_found", "nowhere";
    "tls-to-plain"      tls_protocol_error       Proxy    503 -> 502   never  RESET, "tls-to-plain";
    "untrusted"         tls_certificate_error    Proxy    503 -> 502   never  RESET, "untrusted";
    "tls-versions"      tls_protocol_error       Proxy    503 -> 502   never  RESET, "tls-versions";
    "expired"           tls_certificate_error    Proxy    503 -> 502   never  RESET, "expired";
    "wrong-name"        tls_certificate_error    Proxy    503 -> 502   never  RESET, "wrong-name";
    // The upstream's reply to that is a failed handshake and nothing else.
    "no-client-cert"    tls_protocol_error       Proxy    503 -> 502   never  RESET, "no-client-cert";
    "bad-client-cert"   tls_certificate_error    Proxy    503 -> 502   never  RESET, "bad-client-cert";
    "no-name"           dns_error                Proxy    503 -> 502   again  "dns_resolution_failure{", "dynamic";
    "502"               upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "503"               upstream_unavailable     Upstream 503 -> 503   again  VIA, "h1";
    "504"               upstream_timeout         Upstream 504 -> 504   again  VIA, "h1";
    "503-retried"       upstream_unavailable     Upstream 503 -> 503   again  VIA, "h1";
    "502-empty"         upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "503-empty"         upstream_unavailable     Upstream 503 -> 503   again  VIA, "h1";
    "502-no-chunk"      upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-chunked"       upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-text"          upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-xhtml"         upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-untyped"       upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-gzip"          upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-big"           upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-trickling"     upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-until-close"   upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-trailers"      upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h1";
    "502-h2"            upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h2";
    "503-h2-empty"      upstream_unavailable     Upstream 503 -> 503   again  VIA, "h2";
    "502-h2-trailers"   upstream_bad_gateway     Upstream 502 -> 502   again  VIA, "h2";
    "502-cut"           upstream_bad_gateway     Upstream 502 -> 502   again  "", "h1";
    // What Envoy Gateway makes of a route without a ready endpoint, and of an invalid one.
    "route-503"         destination_unavailable  Proxy    503 -> 503   again  DIRECT, "";
    "route-500"         proxy_configuration_error Proxy   500 -> 500   never  DIRECT, "";
};

/// Refusals, which get a page only if the configuration names their statuses.
#[rustfmt::skip]
pub(crate) const REFUSALS: &[Kind] = kinds! {
    "401-page"          unauthorized             Upstream 401 -> 401   never  VIA, "h1";
    "403-page"          forbidden                Upstream 403 -> 403   never  VIA, "h1";
    "403-empty"         forbidden                Upstream 403 -> 403   never  VIA, "h1";
    "429-page"          rate_limited             Upstream 429 -> 429   again  VIA, "h1";
    "429-empty"         rate_limited             Upstream 429 -> 429   again  VIA, "h1";
    "400-page"          client_error             Upstream 400 -> 400   never  VIA, "h1";
    "404-page"          client_error             Upstream 404 -> 404   never  VIA, "h1";
    "404-empty"         client_error             Upstream 404 -> 404   never  VIA, "h1";
    "413-page"          client_error             Upstream 413 -> 413   never  VIA, "h1";
    "422-page"          client_error             Upstream 422 -> 422   never  VIA, "h1";
    "408-page"          client_error             Upstream 408 -> 408   again  VIA, "h1";
    "425-page"          client_error             Upstream 425 -> 425   again  VIA, "h1";
    "route-404"         client_error             Proxy    404 -> 404   never  DIRECT, "";
};

/// The kinds whose failed response ends with its headers.
const WITHOUT_BODY: &[&str] = &[
    "502-empty",
    "503-empty",
    "500-empty",
    "503-h2-empty",
    "403-empty",
    "429-empty",
    "404-empty",
    "route-404",
    "no-cluster",
    "route-503",
    "route-500",
];

impl Kind {
    /// Returns whether the failed response has no body, whatever the method of the request.
    pub(crate) fn is_without_body(&self) -> bool {
        WITHOUT_BODY.contains(&self.name)
    }
}

/// Failures that get a page only if the configuration intercepts all of 5xx.
#[rustfmt::skip]
pub(crate) const FAILURES_OF_5XX: &[Kind] = kinds! {
    "500"               upstream_error           Upstream 500 -> 500   again  VIA, "h1";
    "500-empty"         upstream_error           Upstream 500 -> 500   again  VIA, "h1";
    "501"               upstream_error           Upstream 501 -> 501   again  VIA, "h1";
    "599"               upstream_error           Upstream 599 -> 599   again  VIA, "h1";
};

/// Responses that pass unchanged, whatever their status. Each is a behaviour of the upstream.
pub(crate) fn meant() -> Vec<(&'static str, &'static str, Answer)> {
    let json = br#"{"error":"no stock"}"#;
    let grpc = |status| Answer::status(status).header("content-type", "application/grpc");
    let frame: &[&[u8]] = &[&[0, 0, 0, 0, 0]];
    vec![
        ("200", "h1", marked(200).body("text/html", "<p>fine")),
        ("200-empty", "h1", marked(200)),
        ("200-big", "h1", marked(200).body("a/b", big())),
        (
            "200-chunked",
            "h1",
            marked(200).chunks("a/b", &[b"a", b"b"]).trailer("t", "x"),
        ),
        ("200-bytes", "h1", marked(200).header("x-odd", b"a\xffb")),
        ("204", "h1", marked(204)),
        ("301", "h1", marked(301).header("location", "/else")),
        ("304", "h1", marked(304).header("etag", "\"v\"")),
        (
            "401",
            "h1",
            marked(401).header("www-authenticate", "Basic realm=\"a\""),
        ),
        ("404", "h1", marked(404).body("text/html", "<p>not here")),
        ("429", "h1", marked(429).header("retry-after", "3")),
        ("502-json", "h1", marked(502).body("application/json", json)),
        (
            "503-json",
            "h1",
            marked(503).chunks("application/json; charset=utf-8", &[json]),
        ),
        (
            "502-problem",
            "h1",
            marked(502).body("application/problem+json", json),
        ),
        (
            "504-api",
            "h1",
            marked(504).body("application/vnd.api+json", json),
        ),
        ("502-xml", "h1", marked(502).body("application/xml", "<a/>")),
        (
            "502-soap",
            "h1",
            marked(502).body("application/soap+xml", "<a/>"),
        ),
        ("502-own", "h1", page(502).header("x-tidegate", "off")),
        (
            "502-own-empty",
            "h1",
            marked(502).header("x-tidegate", "OFF"),
        ),
        (
            "502-inner",
            "h1",
            page(502).header("x-tidegate-page", "connection_refused"),
        ),
        (
            "grpc",
            "h2",
            grpc(200)
                .chunks("application/grpc", frame)
                .trailer("grpc-status", "0"),
        ),
        (
            "grpc-2",
            "h2",
            grpc(200)
                .chunks("application/grpc", frame)
                .trailer("grpc-status", "2"),
        ),
        (
            "grpc-14",
            "h2",
            grpc(200)
                .header("grpc-status", "14")
                .header("grpc-message", "no"),
        ),
        (
            "grpc-502",
            "h2",
            grpc(502)
                .header("grpc-status", "14")
                .header("grpc-message", "no"),
        ),
        (
            "grpc-late",
            "h2",
            grpc(200)
                .with(Body::Chunks(vec![], Duration::ZERO))
                .trailer("grpc-status", "14"),
        ),
    ]
}

/// An error page of the upstream with every header that a page must not inherit, and some that it
/// must.
fn page(status: u16) -> Answer {
    marked(status).body(
        "text/html; charset=iso-8859-1",
        "<h1>the upstream's own error</h1>",
    )
}

/// Headers of the upstream that no page may inherit.
pub(crate) const DROPPED: &[(&str, &str)] = &[
    ("set-cookie", "session=half-made; Path=/"),
    ("etag", "\"stale\""),
    ("last-modified", "Mon, 23 Nov 2026 06:00:00 GMT"),
    ("expires", "Mon, 23 Nov 2036 06:00:00 GMT"),
    ("age", "7"),
    ("accept-ranges", "bytes"),
    ("content-disposition", "attachment; filename=error.html"),
    ("content-language", "tlh"),
    ("cdn-cache-control", "max-age=600"),
    ("surrogate-control", "max-age=600"),
    ("link", "</style.css>; rel=preload"),
    ("refresh", "1; url=/loop"),
    ("location", "/loop"),
    ("clear-site-data", "\"cookies\""),
    ("content-security-policy", "default-src *"),
    ("server", "the-origin/1.0"),
    ("x-powered-by", "the-origin"),
    ("x-internal", "secret"),
    // A browser shows the page of a 401 if it does not know the scheme; for Basic it asks for a password first.
    ("www-authenticate", "Bearer realm=\"site\""),
];

/// Headers of the upstream that every page keeps.
pub(crate) const KEPT: &[(&str, &str)] = &[
    ("access-control-allow-origin", "https://app.example"),
    ("strict-transport-security", "max-age=31536000"),
    ("alt-svc", "h3=\":443\""),
    ("via", "1.1 inner"),
];

/// Adds what tells of the network behind the proxy.
fn leaking(answer: Answer) -> Answer {
    let status = "db; error=connection_refused; details=\"10.0.3.7:8080 db.internal\"; next-hop=\"10.0.3.7\"";
    answer
        .header("proxy-status", status)
        .header("via", "1.1 db.internal:8080 (squid)")
        .header("via", "1.1 edge (squid)")
        .header("www-authenticate", "Basic realm=\"staging\"")
}

/// Returns an answer with all of these headers.
fn marked(status: u16) -> Answer {
    let answer = Answer::status(status)
        .header("cache-control", "public, max-age=600")
        .header("vary", "Origin")
        .header("proxy-status", "inner; error=connection_refused");
    let headers = DROPPED.iter().chain(KEPT);
    headers.fold(answer, |answer, (name, value)| answer.header(name, value))
}

/// `gzip -c </dev/null`: a valid and complete encoding of an empty body.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/// More than Envoy buffers, and more than one window of HTTP/2.
fn big() -> Vec<u8> {
    vec![b'.'; 3 << 20]
}

/// Returns what the upstream does, by name.
pub(crate) fn behaviours() -> Vec<Script> {
    let own: Vec<(&str, Behaviour)> = vec![
        ("reset", Behaviour::Reset),
        ("reset-retried", Behaviour::Reset),
        ("stream-reset", Behaviour::Reset),
        ("close", Behaviour::Close),
        (
            "garbage",
            Behaviour::Garbage(b"220 mail.example ESMTP\r\n\r\n".to_vec()),
        ),
        ("hang", Behaviour::Hang),
        (
            "502-stuck",
            Behaviour::Stuck(marked(502).with(Body::Short(b"<h1>".to_vec(), 1000))),
        ),
        ("hang-each-try", Behaviour::Hang),
        ("hang-too-long", Behaviour::Hang),
        ("upgrade", Behaviour::Upgrade),
    ];
    let html = "text/html";
    let pause = Duration::from_millis(40);
    let chunks: &[&[u8]] = &[b"<h1>", b"broken", b"</h1>"];
    let short = Body::Short(b"<h1>half".to_vec(), 1000);
    let answers: Vec<(&str, Answer)> = vec![
        ("401-page", page(401)),
        ("403-page", page(403)),
        ("403-empty", marked(403)),
        ("429-page", page(429)),
        ("429-empty", marked(429)),
        ("400-page", page(400)),
        ("404-page", page(404)),
        ("404-empty", marked(404)),
        ("413-page", page(413)),
        ("422-page", page(422)),
        ("408-page", page(408)),
        ("425-page", page(425)),
        ("429-in-2", page(429).header("retry-after", "2")),
        ("500", page(500)),
        ("500-empty", marked(500)),
        ("501", page(501)),
        ("502", page(502)),
        ("503", page(503)),
        ("504", page(504)),
        ("599", page(599)),
        ("503-retried", page(503)),
        ("502-empty", marked(502)),
        ("503-empty", marked(503).header("content-type", html)),
        ("502-no-chunk", marked(502).chunks(html, &[])),
        ("502-chunked", marked(502).chunks(html, chunks)),
        ("502-text", marked(502).body("text/plain", "Bad Gateway")),
        (
            "502-xhtml",
            marked(502).body("application/xhtml+xml", "<html/>"),
        ),
        ("502-untyped", marked(502).with(Body::Whole(b"?".to_vec()))),
        (
            "502-gzip",
            marked(502)
                .body(html, GZIP)
                .header("content-encoding", "gzip"),
        ),
        ("502-big", marked(502).body(html, big())),
        ("502-trickling", marked(502).trickle(html, chunks, pause)),
        (
            "502-until-close",
            marked(502).with(Body::UntilClose(b"<h1>".to_vec())),
        ),
        (
            "502-trailers",
            marked(502).chunks(html, chunks).trailer("x-sum", "1"),
        ),
        ("502-h2", page(502)),
        ("503-h2-empty", marked(503)),
        (
            "502-h2-trailers",
            marked(502).chunks(html, chunks).trailer("x-sum", "1"),
        ),
        (
            "502-only-trailers",
            marked(502)
                .header("trailer", "x-sum")
                .chunks(html, &[])
                .trailer("x-sum", "1"),
        ),
        (
            "502-h2-only-trailers",
            marked(502).chunks(html, &[]).trailer("x-sum", "1"),
        ),
        (
            "502-cut",
            marked(502).with(short).header("content-type", html).cut(),
        ),
        ("503-in-7", page(503).header("retry-after", "7")),
        (
            "200-cut",
            marked(200).with(Body::Short(b"half".to_vec(), 1000)).cut(),
        ),
        ("502-leak", leaking(Answer::status(502).body(html, "x"))),
        ("502-leak-empty", leaking(Answer::status(502))),
        ("503-bare", Answer::status(503).body(html, "x")),
        ("503-bare-empty", Answer::status(503)),
        ("robots.txt", page(502)),
        (".well-known", page(502)),
    ];
    let meant = meant().into_iter().map(|(name, _, answer)| (name, answer));
    let answers = answers
        .into_iter()
        .chain(meant)
        .map(|(name, answer)| (name, answer.into()));
    own.into_iter()
        .chain(answers)
        .map(|(name, does)| (name.to_owned(), does))
        .collect()
}

/// Returns a route for each kind, and one for all other paths.
pub(crate) fn routes() -> Vec<Value> {
    let failures = FAILURES
        .iter()
        .chain(FAILURES_OF_5XX)
        .chain(REFUSALS)
        .map(|kind| (kind.name, kind.cluster));
    let meant = meant()
        .into_iter()
        .map(|(name, cluster, _)| (name, cluster));
    let mut routes: Vec<Value> = failures
        .chain(meant)
        .map(|(name, cluster)| match cluster {
            "" => route_without_upstream(name),
            cluster => kind_route(name, cluster, action(name)),
        })
        .collect();
    routes.push(kind_route("502-stuck", "h1", json!({ "timeout": "0s" })));
    routes.push(kind_route("502-h2-only-trailers", "h2", json!({})));
    routes.push(tidegate_e2e::config::route("/", "h1"));
    routes
}

/// Returns a route that answers without a body, as those of Envoy Gateway do.
fn route_without_upstream(name: &str) -> Value {
    let status: u16 = name.trim_start_matches("route-").parse().expect("a status");
    json!({
        "name": name, "match": { "prefix": format!("/{name}/") },
        "direct_response": { "status": status },
    })
}

/// Returns what the route of a kind has besides its cluster.
fn action(name: &str) -> Value {
    match name {
        "hang" => json!({ "timeout": "0.2s" }),
        "hang-each-try" => json!({
            "retry_policy":
                { "retry_on": "5xx", "num_retries": 1, "per_try_timeout": "0.1s" },
        }),
        "hang-too-long" => json!({
            "timeout": "0s",
            "max_stream_duration": { "max_stream_duration": "0.2s" },
        }),
        "reset-retried" => json!({ "retry_policy": { "retry_on": "reset", "num_retries": 1 } }),
        "503-retried" => json!({ "retry_policy": { "retry_on": "5xx", "num_retries": 1 } }),
        _ => json!({}),
    }
}
