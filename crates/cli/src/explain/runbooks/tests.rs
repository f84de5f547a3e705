use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// The sentence is on the page of that reason.
#[test]
fn the_built_in_pages_contain_the_sentences_of_the_runbooks() {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden/pages");
    for reason in Reason::ALL {
        let golden = goldens.join(format!("{}.html", reason.as_str()));
        let page = fs::read_to_string(golden).unwrap();
        assert!(page.contains(of(*reason).page), "{reason:?}");
    }
}

#[test]
fn every_reason_has_a_complete_runbook() {
    let mut meanings = BTreeSet::new();
    for reason in Reason::ALL {
        let runbook = of(*reason);
        assert!(meanings.insert(runbook.means), "{reason:?} has another's");
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
}

/// What the text says about the breaker is what the breaker does.
#[test]
fn runbooks_say_what_the_breaker_counts() {
    use tidegate_core::breaker::Verdict;
    use tidegate_core::config::Config;
    use tidegate_core::failure::Source;
    let settings = Config::default().policy.breaker;
    for reason in Reason::ALL {
        let (source, status) = match reason {
            Reason::UpstreamError => (Source::Upstream, 500),
            Reason::UpstreamBadGateway => (Source::Upstream, 502),
            Reason::UpstreamUnavailable => (Source::Upstream, 503),
            Reason::UpstreamTimeout => (Source::Upstream, 504),
            _ => (Source::Proxy, 503),
        };
        let verdict = Verdict::of_response(&settings, status, *reason, source, false);
        let is_failure = verdict.is_bad();
        let says = of(*reason).meanwhile;
        let counts =
            says.contains("counts as a failure") || says.contains("counts it as a failure");
        let by_default = counts && *reason != Reason::UpstreamError;
        assert_eq!(by_default, is_failure, "{reason:?}: {says}");
    }
}

#[test]
fn unknown_reasons_suggest_the_nearest_one() {
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
fn runbook_lines_fit_a_terminal() {
    for reason in Reason::ALL {
        let commands: Vec<_> = of(*reason).checks.iter().map(|check| check.run).collect();
        for line in text(*reason).lines() {
            let is_command = commands.contains(&line.trim_start());
            assert!(is_command || line.chars().count() <= WIDTH, "{line}");
        }
    }
}
