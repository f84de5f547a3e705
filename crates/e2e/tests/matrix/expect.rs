//! The expected response for a cell of the matrix.

use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::Engine as _;
use serde_json::Value;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::Response;

use super::{Asker, Cell, Method};
use crate::site::kinds::{Kind, Source, DROPPED, KEPT};
use crate::site::Site;

/// The format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Html,
    Problem,
    ProblemXml,
    Text,
    Markdown,
    Empty,
    Line,
    Connect,
    ConnectStream,
}

/// Returns the format of the reply to a request that is no gRPC call. A response without a body has none
/// afterwards, unless a navigation gets a page.
fn format_of(cell: &Cell) -> Format {
    let format = match (cell.method, cell.asker) {
        (Method::Upgrade, _) => Format::Line,
        (Method::Connect, _) => Format::Connect,
        (Method::ConnectStream, _) => Format::ConnectStream,
        (_, Asker::Browser) => Format::Html,
        (_, Asker::Fetch | Asker::Json) => Format::Problem,
        (_, Asker::Curl) => Format::Text,
        (_, Asker::Image) => Format::Empty,
        (_, Asker::Feed) => Format::ProblemXml,
        (_, Asker::Agent) => Format::Markdown,
    };
    let has_none = cell.kind.is_without_body() && cell.method != Method::Head;
    match format {
        Format::Html => Format::Html,
        _ if has_none => Format::Empty,
        format => format,
    }
}

/// Returns whether the reply is a local reply: the other ones are rewritten responses.
fn is_local(cell: &Cell) -> bool {
    let (kind, method) = (cell.kind, cell.method);
    match method {
        Method::Head | Method::GrpcWeb => false,
        Method::Grpc => kind.source == Source::Upstream && !kind.is_without_body(),
        _ if UNANNOUNCED.contains(&kind.name) => !has_origin(cell),
        _ => kind.is_without_body() && format_of(cell) == Format::Html,
    }
}

/// Returns `grpc-status` and its name in Connect.
fn code(kind: &Kind) -> (&'static str, &'static str) {
    match kind.reason {
        "rate_limited" => ("8", "resource_exhausted"),
        "unauthorized" => ("16", "unauthenticated"),
        "forbidden" => ("7", "permission_denied"),
        "client_error" => ("2", "unknown"),
        _ => ("14", "unavailable"),
    }
}

/// Returns what is wrong with the response, if anything.
pub(super) fn page(cell: &Cell, answer: &Response) -> Result<(), String> {
    // Over HTTP/2 the upstream ends the stream, even if the page is complete (its length is checked
    // below). If the upstream breaks off, Envoy can only reset the stream.
    if !(cell.kind.name == "502-cut" && cell.protocol == Protocol::H2) {
        equal("broken", &answer.broken, &None)?;
    }
    match cell.method {
        Method::Grpc | Method::GrpcWeb => grpc(cell, answer)?,
        _ => http(cell, answer)?,
    }
    common(cell, answer)
}

fn http(cell: &Cell, answer: &Response) -> Result<(), String> {
    let format = format_of(cell);
    let kind = cell.kind;
    let status = match format {
        Format::ConnectStream => 200,
        // That of the code "unavailable".
        Format::Connect if code(kind).0 == "14" => 503,
        // That of "unknown".
        Format::Connect if code(kind).0 == "2" => 500,
        _ => kind.status,
    };
    equal("status", &answer.status, &status)?;
    let content_type = match format {
        Format::Html => Some("text/html; charset=utf-8"),
        Format::Problem => Some("application/problem+json; charset=utf-8"),
        Format::ProblemXml => Some("application/problem+xml; charset=utf-8"),
        Format::Markdown => Some("text/markdown; charset=utf-8"),
        Format::Text | Format::Line => Some("text/plain; charset=utf-8"),
        Format::Connect => Some("application/json"),
        Format::ConnectStream => Some("application/connect+json"),
        Format::Empty => None,
    };
    equal(
        "content-type",
        &answer.header("content-type"),
        &content_type,
    )?;
    length(cell, format, answer)?;
    if cell.method != Method::Head {
        body(cell, format, answer)?;
    }
    equal("trailers", &answer.trailers.0.len(), &0)?;
    let is_call = matches!(format, Format::Connect | Format::ConnectStream);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
    ] {
        equal(name, &answer.header(name), &(!is_call).then_some(value))?;
    }
    let language = (format != Format::Empty && !is_call).then_some("en");
    equal(
        "content-language",
        &answer.header("content-language"),
        &language,
    )?;
    let policy = answer.header("content-security-policy");
    equal("a policy", &policy.is_some(), &(format == Format::Html))?;
    if let Some(policy) = policy {
        holds("content-security-policy", policy, "default-src 'none'")?;
    }
    match (kind.retryable, answer.header("retry-after")) {
        (false, None) => Ok(()),
        (true, Some(seconds)) => hint("retry-after", seconds, cell, 1),
        (_, found) => Err(format!("retry-after is {found:?}")),
    }
}

/// Kinds whose page has no length unless it is a local reply: after chunks trailers may follow at once, and
/// then the body cannot be replaced.
const CHUNKED: [&str; 4] = [
    "502-no-chunk",
    "502-chunked",
    "502-trickling",
    "502-trailers",
];
/// Kinds that announce no body: their page is a local reply, except to scripts of another origin.
const UNANNOUNCED: [&str; 2] = ["502-until-close", "502-h2-trailers"];

/// Returns whether the client is a script of another origin.
fn has_origin(cell: &Cell) -> bool {
    cell.asker == Asker::Fetch
}

/// Checks that the length is exact where it is given, and given where the failed response has one.
fn length(cell: &Cell, format: Format, answer: &Response) -> Result<(), String> {
    let is_head = cell.method == Method::Head;
    equal(
        "body of HEAD",
        &(is_head && !answer.body.is_empty()),
        &false,
    )?;
    let names_coding = answer.headers.has("transfer-encoding");
    let Some(declared) = answer.header("content-length") else {
        // Envoy may also omit the length of a local reply without a body.
        let is_rewritten = CHUNKED.contains(&cell.kind.name)
            || (UNANNOUNCED.contains(&cell.kind.name) && has_origin(cell));
        let may_be_missing = (is_rewritten && !is_head) || format == Format::Empty;
        return equal("content-length can be missing", &may_be_missing, &true);
    };
    let declared: usize = declared
        .parse()
        .map_err(|error| format!("content-length {declared}: {error}"))?;
    equal("both lengths", &names_coding, &false)?;
    equal(
        "an empty page",
        &(declared == 0),
        &(format == Format::Empty),
    )?;
    equal(
        "content-length",
        &(is_head || declared == answer.body.len()),
        &true,
    )
}

fn body(cell: &Cell, format: Format, answer: &Response) -> Result<(), String> {
    let kind = cell.kind;
    let status = kind.status.to_string();
    if format == Format::Empty {
        return Ok(());
    }
    if format == Format::ConnectStream {
        return end_of_stream(cell, answer);
    }
    let text = std::str::from_utf8(&answer.body).map_err(|error| error.to_string())?;
    if text.contains("upstream's own") {
        return Err(format!("the upstream's words in the page: {text}"));
    }
    match format {
        Format::Empty | Format::ConnectStream => Ok(()),
        Format::Html => {
            equal("doctype", &text.get(..15), &Some("<!doctype html>"))?;
            holds("page", text, "</html>")?;
            holds("page", text, "<title>")?;
            holds("page", text, kind.reason)?;
            holds("page", text, &status)?;
            let has_script = text.contains("<script>");
            let may_retry = kind.retryable && matches!(cell.method, Method::Get);
            equal("script", &has_script, &may_retry)?;
            if kind.sent < 500 {
                equal("blames the site", &text.contains("our side"), &false)?;
            }
            let after = text.split_once("data-retry-after-ms=\"");
            let ms = after.and_then(|(_, after)| after.split('"').next()?.parse().ok());
            same_hint("data-retry-after-ms", ms, answer)
        }
        Format::Text => {
            holds("text", text, kind.reason)?;
            holds("text", text, &status)
        }
        Format::ProblemXml => {
            holds("XML", text, &format!("<reason>{}</reason>", kind.reason))?;
            holds("XML", text, &format!("<status>{status}</status>"))?;
            let after = text.split_once("<retry_after_ms>");
            let ms = after.and_then(|(_, after)| after.split('<').next()?.parse().ok());
            same_hint("retry_after_ms", ms, answer)
        }
        Format::Markdown => {
            holds(
                "Markdown",
                text,
                &format!("\nreason: \"{}\"\n", kind.reason),
            )?;
            holds("Markdown", text, &format!("\nstatus: {status}\n"))?;
            let after = text.split_once("retry_after_ms: ");
            let ms = after.and_then(|(_, after)| after.lines().next()?.parse().ok());
            same_hint("retry_after_ms", ms, answer)
        }
        Format::Connect => {
            let error: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            connect_error(cell, &error)
        }
        Format::Line => {
            equal("lines", &text.lines().count(), &1)?;
            holds("line", text, &format!("({})", kind.reason))?;
            equal("line", &text.get(..3), &Some(status.as_str()))
        }
        Format::Problem => {
            let problem: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            equal("status", &problem["status"], &Value::from(kind.status))?;
            equal("reason", &problem["reason"], &Value::from(kind.reason))?;
            equal(
                "retryable",
                &problem["retryable"],
                &Value::from(kind.retryable),
            )?;
            let retry_after = answer
                .header("retry-after")
                .map(|s| s.parse::<u64>().unwrap_or(0));
            equal(
                "retry_after",
                &problem["retry_after"].as_u64(),
                &retry_after,
            )?;
            same_hint("retry_after_ms", problem["retry_after_ms"].as_u64(), answer)?;
            equal("title", &problem["title"].is_string(), &true)?;
            equal("type", &problem["type"], &Value::from("about:blank"))
        }
    }
}

/// Checks the only message of a stream, whose length follows its flag.
fn end_of_stream(cell: &Cell, answer: &Response) -> Result<(), String> {
    let (head, json) = answer.body.split_at_checked(5).ok_or("no message")?;
    let length = u32::try_from(json.len()).unwrap_or(0);
    let wanted = [&[2_u8][..], &length.to_be_bytes()].concat();
    equal("frame", &head, &wanted.as_slice())?;
    let end: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    connect_error(cell, &end["error"])
}

fn connect_error(cell: &Cell, error: &Value) -> Result<(), String> {
    equal("code", &error["code"], &Value::from(code(cell.kind).1))?;
    equal("message", &error["message"].is_string(), &true)?;
    let detail = &error["details"][0]["type"];
    let wanted = cell.kind.retryable.then_some("google.rpc.RetryInfo");
    equal("details", &detail.as_str(), &wanted)
}

fn grpc(cell: &Cell, answer: &Response) -> Result<(), String> {
    equal("status", &answer.status, &200)?;
    let content_type = match cell.method {
        Method::Grpc => "application/grpc",
        _ => "application/grpc-web+proto",
    };
    match cell.method {
        // gRPC over HTTP/2: a single HEADERS frame, which allows a client to retry.
        Method::Grpc => equal("headers only", &answer.headers_only, &true)?,
        _ => equal("body", &answer.body.len(), &0)?,
    }
    equal(
        "content-type",
        &answer.header("content-type"),
        &Some(content_type),
    )?;
    let number = code(cell.kind).0;
    equal("grpc-status", &answer.header("grpc-status"), &Some(number))?;
    let message = answer.header("grpc-message").unwrap_or_default();
    equal("grpc-message", &(1..300).contains(&message.len()), &true)?;
    let pushback = answer.header("grpc-retry-pushback-ms").unwrap_or_default();
    let details = answer.header("grpc-status-details-bin");
    if !cell.kind.retryable {
        equal("pushback", &pushback, &"-1")?;
        return equal("details", &details, &None);
    }
    hint("grpc-retry-pushback-ms", pushback, cell, 1000)?;
    let details = STANDARD_NO_PAD.decode(details.unwrap_or_default());
    let details = details.map_err(|error| format!("grpc-status-details-bin: {error}"))?;
    // The real client in the tests of clients decodes it. Here it is enough that it is base64.
    holds(
        "details",
        &String::from_utf8_lossy(&details),
        "google.rpc.RetryInfo",
    )?;
    let number: u8 = number.parse().map_err(|_| "no number".to_owned())?;
    equal("code", &details.get(..2), &Some(&[0x08, number][..]))
}

/// Checks the headers that every response has, whatever its format.
fn common(cell: &Cell, answer: &Response) -> Result<(), String> {
    let kind = cell.kind;
    equal(
        "x-tidegate-page",
        &answer.header("x-tidegate-page"),
        &Some(kind.reason),
    )?;
    equal(
        "cache-control",
        &answer.header("cache-control"),
        &Some("no-store"),
    )?;
    let vary = answer.header("vary").unwrap_or_default();
    for member in ["accept", "accept-language", "sec-fetch-dest"] {
        equal(
            "vary",
            &vary.split(", ").any(|found| found == member),
            &true,
        )?;
    }
    let mut proxy_status = format!("gateway; error={}", kind.reason);
    if kind.source == Source::Upstream {
        let before = "inner; error=connection_refused";
        proxy_status = format!("{before}, {proxy_status}; received-status={}", kind.sent);
        for (name, value) in KEPT {
            // Envoy adds the headers of the route to a local reply. Two of these would be an error.
            let is_dropped = is_local(cell) && name.starts_with("access-control-");
            equal(name, &answer.header(name), &(!is_dropped).then_some(*value))?;
        }
        holds("vary", vary, "Origin")?;
    }
    if cell.asker == Asker::Fetch || (kind.source == Source::Upstream && !is_local(cell)) {
        let exposed = answer
            .header("access-control-expose-headers")
            .unwrap_or_default();
        holds("access-control-expose-headers", exposed, "retry-after")?;
    }
    equal(
        "proxy-status",
        &answer.header("proxy-status"),
        &Some(proxy_status.as_str()),
    )?;
    for (name, value) in DROPPED {
        // It tells the client how to sign in.
        if name == &"www-authenticate" && matches!(cell.kind.reason, "unauthorized" | "forbidden") {
            continue;
        }
        if let Some(found) = answer
            .headers
            .all(name)
            .find(|found| *found == value.as_bytes())
        {
            return Err(format!("inherits {name}: {}", found.escape_ascii()));
        }
    }
    for name in ["content-encoding", "set-cookie", "etag", "location"] {
        equal(name, &answer.headers.has(name), &false)?;
    }
    Ok(())
}

/// Checks that a hint is the configured time for the status, shortened by at most two fifths.
fn hint(name: &str, hinted: &str, cell: &Cell, unit: u64) -> Result<(), String> {
    let base = if cell.kind.sent == 504 { 15 } else { 5 };
    let hinted: u64 = hinted
        .parse()
        .map_err(|error| format!("{name} {hinted:?}: {error}"))?;
    equal(
        name,
        &(base * unit * 3 / 5..=base * unit).contains(&hinted),
        &true,
    )
    .map_err(|error| format!("{error} ({hinted})"))
}

/// Checks that a form of the hint in a body is the time of `Retry-After`, which counts whole seconds.
fn same_hint(name: &str, ms: Option<u64>, answer: &Response) -> Result<(), String> {
    let seconds = ms.map(|ms| ms.div_ceil(1000).to_string());
    equal(name, &seconds.as_deref(), &answer.header("retry-after"))
}

/// Checks that the access log has Envoy's details and, if the reply is the filter's, the reason.
pub(super) fn access_log(site: &Site, listener: &str, cells: &[Cell]) -> Vec<String> {
    let path = |cell: &Cell| cell.request(listener).path;
    let lines = site.envoy.wait_for_access_lines(listener, cells.len());
    let mut findings = Vec::new();
    for cell in cells {
        let path = path(cell);
        let Some(line) = lines.iter().find(|line| line["path"] == path.as_str()) else {
            findings.push(format!("{cell:?} is not in the access log"));
            continue;
        };
        let details = line["details"].as_str().unwrap_or_default();
        // Envoy closes the connection after a failed upgrade. The client may have the whole page
        // and leave before Envoy has the whole body that the page replaces.
        let may_leave = cell.method == Method::Upgrade && cell.protocol == Protocol::H1;
        if may_leave && details == "downstream_remote_disconnect" {
            continue;
        }
        let own = format!("tidegate_{}{{", cell.kind.reason);
        let envoys = details.strip_prefix(own.as_str());
        let local = is_local(cell);
        if envoys.is_some() != local || !envoys.unwrap_or(details).starts_with(cell.kind.details) {
            findings.push(format!("{listener} {cell:?}: details {details}"));
        }
    }
    findings
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, want: &T) -> Result<(), String> {
    match got == want {
        true => Ok(()),
        false => Err(format!("{what}: {got:?}, not {want:?}")),
    }
}

fn holds(what: &str, text: &str, part: &str) -> Result<(), String> {
    match text.contains(part) {
        true => Ok(()),
        false => Err(format!("no {part:?} in {what}: {text:?}")),
    }
}
