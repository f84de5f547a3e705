//! The ways that a request can go, which the other tests repeat, count and inject faults into.

use tidegate_wasmhost::{Request, Response, Seen};

/// A request, its response, and what the client must get if no host call fails.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) request: Request,
    pub(crate) response: Response,
    /// Whether the client gets a page; otherwise it gets the response unchanged.
    pub(crate) replaced: bool,
}

impl Stage {
    /// Returns whether the response is a failure, intercepted or not.
    pub(crate) fn failed(&self) -> bool {
        self.replaced || self.response.headers[0].1.starts_with(b"5")
    }
}

/// A part of the upstream's failure that no client may see.
const LEAK: &str = "upstream stack trace";

const UH: i64 = 0x2;
const UF: i64 = 0x20;

/// Returns all stages.
pub(crate) fn all() -> Vec<Stage> {
    let get = || Request::new("GET", "/basket?step=2");
    let failed = || {
        Response::upstream(502)
            .header("content-type", "text/html")
            .header("content-length", LEAK.len().to_string())
            .header("server", "backend/1.2")
            .header("set-cookie", "session=1")
    };
    let stage = |name, request, response, replaced| Stage {
        name,
        request,
        response,
        replaced,
    };
    vec![
        stage(
            "healthy GET",
            get(),
            Response::upstream(200)
                .header("content-type", "text/html")
                .header("content-length", "5")
                .chunk("hello"),
            false,
        ),
        stage(
            "healthy POST, chunked, trailers",
            Request {
                body: vec![b"a=1".to_vec(), b"&b=2".to_vec()],
                ..Request::new("POST", "/form")
            },
            Response::upstream(201)
                .chunk("one")
                .chunk("two")
                .trailer("x-sum", "1"),
            false,
        ),
        stage(
            "healthy HEAD",
            Request::new("HEAD", "/"),
            Response::upstream(200),
            false,
        ),
        stage(
            "not found",
            get(),
            Response::upstream(404).chunk("no such page"),
            false,
        ),
        stage("failure with body", get(), failed().chunk(LEAK), true),
        stage(
            "failure with body in chunks and trailers",
            get(),
            Response::upstream(503)
                .header("content-type", "text/plain")
                .header("transfer-encoding", "chunked")
                .chunk(LEAK)
                .chunk(LEAK)
                .trailer("x-sum", "1"),
            true,
        ),
        stage("failure without body", get(), Response::upstream(504), true),
        stage("failure of HEAD", Request::new("HEAD", "/"), failed(), true),
        stage(
            "failure, JSON client",
            get().header("accept", "application/json"),
            failed().chunk(LEAK),
            true,
        ),
        stage(
            "failure, text client",
            get().header("accept", "text/plain"),
            failed().chunk(LEAK),
            true,
        ),
        stage(
            "failure meant for programs",
            get(),
            Response::upstream(503)
                .header("content-type", "application/json")
                .chunk("{\"e\":1}"),
            false,
        ),
        stage(
            "no connection",
            get(),
            Response::envoy(
                503,
                "upstream_reset_before_response_started{remote_connection_failure}",
                UF,
                "upstream connect error",
            ),
            true,
        ),
        stage(
            "no healthy host",
            get(),
            Response::envoy(503, "no_healthy_upstream", UH, "no healthy upstream"),
            true,
        ),
        stage(
            "gRPC, no healthy host",
            Request::new("POST", "/shop.Basket/Get").header("content-type", "application/grpc"),
            Response {
                details: "no_healthy_upstream".to_owned(),
                flags: UH,
                upstream: false,
                ..Response::upstream(200)
                    .header("content-type", "application/grpc")
                    .header("grpc-status", "14")
                    .header("grpc-message", "no healthy upstream")
            },
            true,
        ),
        stage(
            "gRPC, status of its own",
            Request::new("POST", "/shop.Basket/Get").header("content-type", "application/grpc"),
            Response::upstream(200)
                .header("content-type", "application/grpc")
                .chunk("message")
                .trailer("grpc-status", "14"),
            false,
        ),
    ]
}

/// Returns the ways that a request can go while the circuit of `test-route` is open.
pub(crate) fn while_open() -> Vec<Stage> {
    let get = || Request::new("GET", "/basket?step=2");
    let rejected = |name, request| Stage {
        name,
        request,
        response: Response::upstream(200).chunk("never asked for"),
        replaced: true,
    };
    vec![
        rejected("circuit open", get()),
        rejected(
            "circuit open, JSON client",
            get().header("accept", "application/json"),
        ),
        rejected(
            "circuit open, text client",
            get().header("accept", "text/plain"),
        ),
        rejected(
            "circuit open, gRPC client",
            Request::new("POST", "/shop.Basket/Get").header("content-type", "application/grpc"),
        ),
        Stage {
            name: "healthy GET while another circuit is open",
            request: Request {
                route: "other-route".to_owned(),
                ..get()
            },
            response: Response::upstream(200).chunk("hello"),
            replaced: false,
        },
    ]
}

/// Returns whether the client gets the response byte for byte.
pub(crate) fn is_untouched(stage: &Stage, seen: &Seen) -> bool {
    seen.reply.is_none()
        && seen.sent_upstream
        && seen.headers == stage.response.headers
        && seen.body == stage.response.body.concat()
        && seen.trailers == stage.response.trailers
}

/// Returns whether the client gets a complete page, and nothing of the failed response.
pub(crate) fn is_page(seen: &Seen) -> bool {
    let body = String::from_utf8_lossy(&seen.body);
    // The response to HEAD has the length that GET would get.
    let promised = seen.header("content-length");
    let whole = promised.is_none_or(|n| seen.body.is_empty() || n == seen.body.len().to_string());
    let failed = seen.status() >= 500 || seen.header("grpc-status").is_some_and(|s| s != "0");
    failed
        && whole
        && seen.header("x-tidegate-page").is_some()
        && seen.header("set-cookie").is_none()
        && seen.trailers.is_empty()
        && !body.contains(LEAK)
}

/// Returns what the client got, for a message.
pub(crate) fn show(seen: &Seen) -> String {
    let mut out = String::new();
    for (name, value) in &seen.headers {
        let (name, value) = (
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value),
        );
        out.push_str(&format!("{name}: {value}\n"));
    }
    let body = String::from_utf8_lossy(&seen.body);
    out.push_str(&format!("\n{} bytes: {body:.200}\n", seen.body.len()));
    out
}
