//! What an operator should know of each reason, in one place: `tidegate explain --reason` prints it,
//! docs/runbooks.md is generated from it, and the report takes its first things to check from here.

mod connection;
mod response;
mod upstream;

use std::fmt::Write as _;

use tidegate_core::reason::Reason;

/// Texts on a terminal are broken before this column.
const WIDTH: usize = 96;
/// More mistakes than this, and another word was meant.
const MAX_MISTAKES: usize = 3;

/// What there is to say of a reason. Texts may have `code` in backticks, and nothing else of Markdown.
#[derive(Debug)]
pub(super) struct Runbook {
    /// What happened.
    means: &'static str,
    /// The sentence of the built-in page that says so.
    page: &'static str,
    /// How sure the reason is, and from what.
    certainty: &'static str,
    /// The first things to check, in this order.
    pub(super) checks: &'static [Check],
    /// What to change so that it passes, and does not come again.
    change: &'static [&'static str],
    /// What the filter does in the meantime.
    meanwhile: &'static str,
}

/// Something to check.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) what: &'static str,
    /// A command that helps; empty: none.
    pub(super) run: &'static str,
}

/// The runbook of a reason. A reason that the core learns does not compile without one.
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
    }
}

/// The status and what the page does, as the core has it.
fn answer(reason: Reason) -> String {
    let status = match reason.standard_status() {
        Some(status) => format!("Status {status}"),
        None => "The status that was sent".to_owned(),
    };
    let again = match reason.is_retryable() {
        true => "a time to come back; the page does so by itself after a GET",
        false => "no time to come back",
    };
    format!("{status}, {again}.")
}

/// What `--reason` prints.
pub(super) fn text(reason: Reason) -> String {
    let runbook = of(reason);
    let mut text = format!("{}\n\n", reason.as_str());
    paragraph(&mut text, "", runbook.means);
    let page = format!("\"{}\" {}", runbook.page, answer(reason));
    for (title, words) in [
        ("What the visitor sees", page.as_str()),
        ("How sure the reason is", runbook.certainty),
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
    let _ = writeln!(text, "\nMeanwhile Tidegate");
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

/// What `--reason list` prints.
pub(super) fn list() -> String {
    let width = Reason::ALL.iter().map(|reason| reason.as_str().len()).max();
    let width = width.unwrap_or(0);
    Reason::ALL.iter().fold(String::new(), |mut list, reason| {
        let page = of(*reason).page;
        let _ = writeln!(list, "{:width$}  {page}", reason.as_str());
        list
    })
}

/// What is said of a reason that does not exist.
pub(super) fn unknown(found: &str) -> String {
    let near = |reason: &Reason| {
        let distance = strsim::osa_distance(found, reason.as_str());
        (distance, reason.as_str())
    };
    let nearest = Reason::ALL.iter().map(near).min();
    let nearest = nearest.filter(|(distance, _)| *distance <= MAX_MISTAKES);
    let meant = nearest.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"));
    format!("--reason: found {found:?}; `tidegate explain --reason list` lists all reasons{meant}")
}

/// docs/runbooks.md.
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

const HEAD: &str = "<!-- Generated by `make docs` from crates/cli/src/explain/runbooks: change the text there. -->\n\
# Runbooks

What each reason means, how sure it is, what to check and what to change. The reason of a failure stands on its page, in the
problem document, in `Proxy-Status`, in the access log and in the metrics; `tidegate explain ACCESS_LOG` finds the reasons in a log
([explain.md](explain.md)), and `tidegate explain --reason dns_error` prints one of these.

In the commands `ADMIN` is the address of Envoy's administration interface (`ADMIN=http://localhost:9901`); in Istio,
`istioctl dashboard envoy POD` opens it. Words in capitals are yours to fill in.

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
    let _ = writeln!(page, "**How sure the reason is.** {}\n", runbook.certainty);
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
    let _ = writeln!(page, "\n**Meanwhile Tidegate.** {}", runbook.meanwhile);
}

fn paragraph(text: &mut String, indent: &str, words: &str) {
    fill(text, indent, indent, words);
}

fn item(text: &mut String, mark: &str, words: &str) {
    fill(text, mark, &" ".repeat(mark.len()), words);
}

/// Writes words in lines, the first of them after `first`, the others after `indent`.
fn fill(text: &mut String, first: &str, indent: &str, words: &str) {
    let mut line = first.to_owned();
    let mut is_begun = false;
    for word in words.split_whitespace() {
        if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = indent.to_owned();
            is_begun = false;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The sentence is the one that visitors read: it stands on the page of that reason.
    #[test]
    fn visitors_read_what_the_runbooks_say() {
        let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden/pages");
        for reason in Reason::ALL {
            let golden = goldens.join(format!("{}.html", reason.as_str()));
            let page = fs::read_to_string(golden).unwrap();
            assert!(page.contains(of(*reason).page), "{reason:?}");
        }
    }

    #[test]
    fn every_reason_has_a_runbook_of_its_own_and_each_says_everything() {
        let mut sentences = BTreeSet::new();
        for reason in Reason::ALL {
            let runbook = of(*reason);
            assert!(sentences.insert(runbook.page), "{reason:?} has another's");
            assert!(runbook.checks.len() >= 2, "{reason:?}");
            assert!(!runbook.change.is_empty(), "{reason:?}");
            let checks = runbook.checks.iter().map(|check| check.what);
            let texts = [runbook.means, runbook.certainty, runbook.meanwhile];
            for text in texts
                .into_iter()
                .chain(checks)
                .chain(runbook.change.iter().copied())
            {
                assert!(text.ends_with(['.', '?', ':']), "{reason:?}: {text}");
                assert!(!text.contains("  "), "{reason:?}: {text}");
            }
        }
        assert_eq!(sentences.len(), Reason::ALL.len());
    }

    /// What a reason's text promises of the breaker is what the breaker does.
    #[test]
    fn runbooks_say_what_the_breaker_counts() {
        use tidegate_core::breaker::Outcome;
        use tidegate_core::config::Config;
        use tidegate_core::reason::Source;
        let settings = Config::default().policy.breaker;
        for reason in Reason::ALL {
            let (source, status) = match reason {
                Reason::UpstreamError => (Source::Upstream, 500),
                Reason::UpstreamBadGateway => (Source::Upstream, 502),
                Reason::UpstreamUnavailable => (Source::Upstream, 503),
                Reason::UpstreamTimeout => (Source::Upstream, 504),
                _ => (Source::Proxy, 503),
            };
            let outcome = Outcome::of_response(&settings, status, *reason, source, false);
            let is_failure = matches!(outcome, Outcome::Failure(_));
            let says = of(*reason).meanwhile;
            let counts = says.contains("ounts as a failure")
                || says.contains("counts it as a failure")
                || says.contains("counts \\\n it as a failure");
            let by_default = counts && *reason != Reason::UpstreamError;
            assert_eq!(by_default, is_failure, "{reason:?}: {says}");
        }
    }

    #[test]
    fn a_name_with_a_mistake_is_understood() {
        for (found, meant) in [
            ("dns_eror", Some("dns_error")),
            ("conection_refused", Some("connection_refused")),
            ("upstream_error ", Some("upstream_error")),
            ("502", None),
            ("something_else", None),
        ] {
            let says = unknown(found);
            match meant {
                Some(name) => assert!(says.ends_with(&format!("did you mean `{name}`?")), "{says}"),
                None => assert!(says.ends_with("lists all reasons"), "{says}"),
            }
        }
    }

    #[test]
    fn lines_are_as_wide_as_a_terminal() {
        for reason in Reason::ALL {
            let commands: Vec<_> = of(*reason).checks.iter().map(|check| check.run).collect();
            for line in text(*reason).lines() {
                let is_command = commands.contains(&line.trim_start());
                assert!(is_command || line.chars().count() <= WIDTH, "{line}");
            }
        }
    }
}
