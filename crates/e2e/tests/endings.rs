//! How failing responses end: without a body, and with one that never ends. The client gets a whole
//! answer, and it and the upstream's connection are free again.

use serde_json::json;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, h2_cluster, merge, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

/// An Envoy before an upstream whose endings are odd. It passes trailers of HTTP/1, and no time-out ends a
/// request.
struct Bench {
    envoy: Envoy,
    _upstream: Upstream,
}

impl Bench {
    fn start() -> Self {
        let trailers = |status: u16| Answer::status(status).chunks("text/html", &[]);
        let endless = |answer: Answer| Behaviour::Endless(answer);
        let html = || Answer::status(502).header("content-type", "text/html");
        let upstream = Upstream::start([
            ("trailers", trailers(502).trailer("x-sum", "1").into()),
            ("untyped", Answer::status(502).trailer("x-sum", "1").into()),
            ("endless", endless(html())),
            (
                "terabyte",
                endless(html().header("content-length", "1000000000000")),
            ),
        ]);
        let at = [upstream.address()];
        let options = json!({ "http_protocol_options": { "enable_trailers": true } });
        let clusters = vec![
            merge(cluster("h1", &at), options.clone()),
            h2_cluster("h2", &at),
        ];
        let forever = |prefix: &str, cluster: &str| {
            let more = json!({ "route": { "timeout": "0s" } });
            merge(route(prefix, cluster), more)
        };
        let listener = Listener::new("page")
            .filter(tidegate(&tidegate_e2e::module(), None))
            .routes([forever("/h2/", "h2"), forever("/", "h1")])
            .manager(options)
            .json();
        Self {
            envoy: Envoy::start(&Bootstrap::new(clusters, vec![listener])),
            _upstream: upstream,
        }
    }

    fn client(&self, protocol: Protocol) -> Client {
        Client::new(protocol, self.envoy.listener("page"))
    }
}

fn request(path: &str, behaviour: &str) -> Request {
    Request::get(path)
        .header("x-behaviour", behaviour)
        .header("accept", "text/html")
}

#[test]
fn a_failure_of_trailers_alone_is_answered() {
    let bench = Bench::start();
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = bench.client(protocol);
        let answer = client.get(&request("/h1/", "trailers"));
        assert_eq!(answer.broken, None, "{protocol:?}");
        assert_eq!(answer.status, 502, "{protocol:?}");
        let page = answer.header("x-tidegate-page");
        assert_eq!(page, Some("upstream_bad_gateway"), "{protocol:?}");
        // Nothing of it is left on the connection.
        let next = client.get(&Request::get("/fine"));
        assert_eq!(next.status, 200, "{protocol:?}");
    }
}

#[test]
fn a_failure_of_headers_and_trailers_over_http2_is_a_whole_page() {
    let bench = Bench::start();
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = bench.client(protocol);
        for behaviour in ["trailers", "untyped"] {
            for accept in ["text/html", "application/json", "*/*"] {
                let request = Request::get("/h2/").header("accept", accept);
                let answer = client.get(&request.header("x-behaviour", behaviour));
                let context = format!("{protocol:?} {behaviour} {accept} {answer:?}");
                assert_eq!((answer.status, &answer.broken), (502, &None), "{context}");
                assert!(answer.text().contains("upstream_bad_gateway"), "{context}");
                let length = answer.header("content-length");
                let wanted = answer.body.len().to_string();
                assert_eq!(length, Some(wanted.as_str()), "{context}");
                assert_eq!(answer.trailers.0, [], "{context}");
            }
        }
    }
}

#[test]
fn a_failing_body_without_end_is_not_read_for_ever() {
    let bench = Bench::start();
    for protocol in [Protocol::H1, Protocol::H2] {
        for (path, behaviour, origin, is_whole) in [
            // With a length, HTTP/1 clients know that the page is complete.
            ("/h1/", "terabyte", None, protocol == Protocol::H1),
            ("/h1/", "endless", None, false),
            // A local reply, and one that is not possible.
            ("/h2/", "endless", None, true),
            ("/h2/", "endless", Some("https://app.example"), false),
        ] {
            let context = format!("{protocol:?} {path} {behaviour} {origin:?}");
            let mut request = request(path, behaviour);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let answer = bench.client(protocol).get(&request);
            assert_eq!(answer.status, 502, "{context}");
            assert!(answer.text().ends_with("</html>\n"), "{context}");
            let broken = answer.broken;
            assert_eq!(broken.is_none(), is_whole, "{context} {broken:?}");
            // Over HTTP/1 Envoy closes the client's connection, too.
            let next = bench.client(protocol).get(&Request::get("/fine"));
            assert_eq!(next.status, 200, "{context}");
        }
    }
    for name in ["h1", "h2"] {
        let read = bench
            .envoy
            .stat(&format!("cluster.{name}.upstream_cx_rx_bytes_total"));
        assert!((1..100 << 20).contains(&read), "{name}: {read} bytes");
        let active = format!("cluster.{name}.upstream_rq_active");
        assert_eq!(bench.envoy.stat(&active), 0, "{name}");
    }
}
