//! What an operator should know of each reason. `tidegate explain --reason` prints it,
//! docs/runbooks.md is generated from it, and reports take their first checks from it.

mod access;
mod connection;
mod response;
mod upstream;

use std::fmt::Write as _;

use tidegate_core::diagnostics::nearest;
use tidegate_core::failure::Reason;

/// Width of texts on a terminal.
const WIDTH: usize = 96;

/// The explanation of a reason. Texts may contain `code` in backticks, and no other Markdown.
#[derive(Debug)]
pub(super) struct Runbook {
    /// What happened.
    means: &'static str,
    /// The sentence of the built-in page that says so.
    page: &'static str,
    /// How certain the reason is, and by what evidence.
    certainty: &'static str,
    /// What to check first, in this order.
    pub(super) checks: &'static [Check],
    /// What to change so that it ends and does not return.
    change: &'static [&'static str],
    /// What the filter does meanwhile.
    meanwhile: &'static str,
}

/// A check.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) what: &'static str,
    /// A command for the check; may be empty.
    pub(super) run: &'static str,
}

/// Returns the runbook of a reason. A new reason in the core does not compile without one.
pub(super) fn of(reason: Reason) -> &'static Runbook {
    match reason {
        Reason::ConnectionRefused => &connection::REFUSED,
        Reason::ConnectionTimeout => &connection::TIMEOUT,
        Reason::ConnectionTerminated => &connection::TERMINATED,
        Reason::TlsProtocolError => &connection::TLS_PROTOCOL,
        Reason::TlsCertificateError => &connection::TLS_CERTIFICATE,
        Reason::DnsError => &connection::DNS,
        Reason::HttpProtocolError => &response::PROTOCOL,
        Reason::HttpResponseTimeout => &response::TIMEOUT,
        Reason::HttpResponseIncomplete => &response::INCOMPLETE,
        Reason::ConnectionLimitReached => &response::LIMIT,
        Reason::DestinationUnavailable => &response::UNAVAILABLE,
        Reason::DestinationNotFound => &response::NOT_FOUND,
        Reason::UpstreamError => &upstream::ERROR,
        Reason::UpstreamBadGateway => &upstream::BAD_GATEWAY,
        Reason::UpstreamUnavailable => &upstream::UNAVAILABLE,
        Reason::UpstreamTimeout => &upstream::TIMEOUT,
        Reason::CircuitOpen => &upstream::CIRCUIT_OPEN,
        Reason::Maintenance => &upstream::MAINTENANCE,
        Reason::ProxyInternalError => &upstream::PROXY,
        Reason::ProxyConfigurationError => &response::CONFIGURATION,
        Reason::RateLimited => &access::RATE_LIMITED,
        Reason::Unauthorized => &access::UNAUTHORIZED,
        Reason::Forbidden => &access::FORBIDDEN,
        Reason::AuthorizationUnavailable => &access::AUTHORIZATION_UNAVAILABLE,
        Reason::ClientError => &access::CLIENT_ERROR,
    }
}

/// Returns the status and what the page does, as the core defines them.
fn answer(reason: Reason) -> String {
    let status = match reason.standard_status() {
        Some(status) => format!("Status {status}"),
        None => "The status of the upstream".to_owned(),
    };
    let again = match reason.is_retryable() {
        true => "a retry hint; after a GET the page retries by itself",
        false => "no retry hint",
    };
    format!("{status}, {again}.")
}

/// Returns the output of `--reason`.
pub(super) fn text(reason: Reason) -> String {
    let runbook = of(reason);
    let mut text = format!("{}\n\n", reason.as_str());
    paragraph(&mut text, "", runbook.means);
    let page = format!("\"{}\" {}", runbook.page, answer(reason));
    for (title, words) in [
        ("What the visitor sees", page.as_str()),
        ("How certain the reason is", runbook.certainty),
    ] {
        let _ = writeln!(text, "\n{title}");
        paragraph(&mut text, "  ", words);
    }
    let _ = writeln!(text, "\nCheck first");
    for (at, check) in runbook.checks.iter().enumerate() {
        item(&mut text, &format!("  {}. ", at + 1), check.what);
        if !check.run.is_empty() {
            let _ = writeln!(text, "       {}", check.run);
        }
    }
    let _ = writeln!(text, "\nWhat to change");
    for change in runbook.change {
        item(&mut text, "  * ", change);
    }
    let _ = writeln!(text, "\nWhat Tidegate does");
    paragraph(&mut text, "  ", runbook.meanwhile);
    if runbook
        .checks
        .iter()
        .any(|check| check.run.contains("$ADMIN"))
    {
        let _ = writeln!(text, "\n{ADMIN}");
    }
    text
}

const ADMIN: &str =
    "ADMIN is the address of Envoy's administration interface: ADMIN=http://localhost:9901";

/// Returns the output of `--reason list`.
pub(super) fn list() -> String {
    let width = Reason::ALL.iter().map(|reason| reason.as_str().len()).max();
    let width = width.unwrap_or(0);
    Reason::ALL.iter().fold(String::new(), |mut list, reason| {
        let summary = summary(of(*reason).means);
        let _ = writeln!(list, "{:width$}  {summary}", reason.as_str());
        list
    })
}

/// Returns the beginning of a text, up to the first full stop or colon.
fn summary(text: &str) -> &str {
    let ends = [". ", ": "].into_iter().filter_map(|end| text.find(end));
    let summary = ends.min().map_or(text, |end| &text[..end]);
    summary.trim_end_matches('.')
}

/// Returns the error text for an unknown reason.
pub(super) fn unknown(found: &str) -> String {
    let meant = nearest(found, Reason::ALL.iter().map(|reason| reason.as_str()));
    let meant = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    format!("--reason: found {found:?}; `tidegate explain --reason list` lists all reasons{meant}")
}

/// Returns docs/runbooks.md.
pub(super) fn page() -> String {
    let mut page = String::from(HEAD);
    for reason in Reason::ALL {
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} |",
            reason.as_str(),
            of(*reason).page
        );
    }
    for reason in Reason::ALL {
        section(&mut page, *reason);
    }
    page
}

const HEAD: &str = "<!-- Generated by `make docs` from crates/cli/src/explain/runbooks; edit the text there. -->\n\
# Runbooks

What each reason means, how certain it is, what to check and what to change. The reason of a failure is on its page, in the
problem document, in `Proxy-Status`, in the access log and in the metrics; `tidegate explain ACCESS_LOG` finds the reasons in a log
([explain.md](explain.md)), and `tidegate explain --reason dns_error` prints one runbook.

In the commands, `ADMIN` is the address of Envoy's administration interface (`ADMIN=http://localhost:9901`); in Istio,
`istioctl dashboard envoy POD` opens it. Replace words in capitals.

| reason | what the visitor reads |
| --- | --- |
";

fn section(page: &mut String, reason: Reason) {
    let runbook = of(reason);
    let _ = writeln!(page, "\n## {}\n\n{}\n", reason.as_str(), runbook.means);
    let _ = writeln!(
        page,
        "**What the visitor sees.** \"{}\" {}\n",
        runbook.page,
        answer(reason)
    );
    let _ = writeln!(
        page,
        "**How certain the reason is.** {}\n",
        runbook.certainty
    );
    let _ = writeln!(page, "**Check first**\n");
    for (at, check) in runbook.checks.iter().enumerate() {
        let _ = writeln!(page, "{}. {}", at + 1, check.what);
        if !check.run.is_empty() {
            let _ = writeln!(page, "   ```sh\n   {}\n   ```", check.run);
        }
    }
    let _ = writeln!(page, "\n**What to change**\n");
    for change in runbook.change {
        let _ = writeln!(page, "* {change}");
    }
    let _ = writeln!(page, "\n**What Tidegate does.** {}", runbook.meanwhile);
}

fn paragraph(text: &mut String, indent: &str, words: &str) {
    fill(text, indent, indent, words);
}

fn item(text: &mut String, mark: &str, words: &str) {
    fill(text, mark, &" ".repeat(mark.len()), words);
}

fn fill(text: &mut String, first: &str, indent: &str, words: &str) {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(indent)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let _ = writeln!(text, "{}", textwrap::fill(words, options));
}

#[cfg(test)]
mod tests;
