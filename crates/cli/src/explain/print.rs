//! Writes a report as text.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::bare::Guess;
use super::changes::Change;
use super::report::{Finding, Report, Shown};
use super::runbooks;

/// Number of episodes that are shown of a finding: the first ones, since they lead to the cause.
const EPISODES: usize = 4;

/// Number of paths, and of methods, that are shown of a finding.
const PATHS: usize = 3;

/// Has the length of a date with its separator.
const DATE: &str = "2026-11-23T";

/// Returns the report with at most `top` findings; 0 means all.
pub(super) fn text(report: &Report, top: usize) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(report, top, &mut text);
    without_controls(text)
}

/// Escapes control characters, with which names in a log could change what a terminal shows.
fn without_controls(text: String) -> String {
    let is_control = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_control) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match is_control(c) {
            true => escaped.extend(c.escape_default()),
            false => escaped.push(c),
        }
    }
    escaped
}

fn write(report: &Report, top: usize, text: &mut String) -> fmt::Result {
    write!(text, "{}", many(report.requests, "request"))?;
    if let (Some(from), Some(to)) = (&report.from, &report.to) {
        write!(text, " from {} to {}", to_second(from), to_second(to))?;
    }
    writeln!(
        text,
        "; {} failed ({})",
        number(report.failed),
        percent(report.share)
    )?;
    if let Some(first) = &report.unreadable.first {
        writeln!(
            text,
            "{} could not be read; the first: {}:{}: {}",
            many(report.unreadable.lines, "line"),
            first.file,
            first.line,
            first.why
        )?;
    }
    if report.unknown_reasons > 0 {
        writeln!(
            text,
            "{} with a reason unknown to this version; classified by details and flags instead",
            many(report.unknown_reasons, "line")
        )?;
    }
    if report.extended_lines > 0 {
        writeln!(
            text,
            "{} with more after the name of the route, which Istio's format does not have. It is ignored: \
             the name ends at its first blank.",
            many(report.extended_lines, "line")
        )?;
    }
    if report.folded_routes > 0 {
        writeln!(
            text,
            "{} with few requests grouped as {}",
            many(report.folded_routes, "route"),
            super::tally::OTHERS
        )?;
    }
    if report
        .findings
        .iter()
        .any(|finding| finding.grouped_by == "host")
    {
        writeln!(
            text,
            "Requests without a route in the log are grouped by the host of the request."
        )?;
    }
    let shown = match top {
        0 => report.findings.len(),
        top => top,
    };
    let mut explained: Vec<&str> = Vec::new();
    for (at, finding) in report.findings.iter().take(shown).enumerate() {
        let is_new = !explained.contains(&finding.reason);
        write_finding(at + 1, finding, is_new, text)?;
        explained.push(finding.reason);
    }
    if let Some(more @ 1..) = report.findings.len().checked_sub(shown) {
        writeln!(text, "\nAnd {more} more; `--top 0` shows all.")?;
    }
    Ok(())
}

fn write_finding(at: usize, finding: &Finding, is_new: bool, text: &mut String) -> fmt::Result {
    writeln!(
        text,
        "\n{at}. {}: {}, {}, {} of the {}",
        group(finding),
        finding.reason,
        many(finding.failures, "failure"),
        percent(finding.share),
        many(finding.requests, "request"),
    )?;
    for cause in &finding.opened_by {
        let most_likely = match finding.guess {
            Some(_) => "most likely ",
            None => "",
        };
        writeln!(
            text,
            "   The circuit was {most_likely}opened by {}: {} rejected",
            cause.reason,
            number(cause.rejected)
        )?;
    }
    write_requests(finding, text)?;
    for episode in finding.episodes.iter().take(EPISODES) {
        write_episode(episode, finding.cluster.is_some(), text)?;
    }
    let more = finding.episodes.iter().skip(EPISODES);
    if let Some(last) = finding.episodes.last().filter(|_| more.len() > 0) {
        let failures: u64 = more.clone().map(|episode| episode.failures).sum();
        writeln!(
            text,
            "   And {} with {}, the last until {}",
            many(more.len() as u64, "more incident"),
            many(failures, "failure"),
            to_second(&last.to)
        )?;
    }
    if finding.folded_episodes > 0 {
        writeln!(text, "   Further short incidents were merged.")?;
    }
    write_certainty(finding, text)?;
    if !is_new {
        return Ok(());
    }
    writeln!(text, "   Check first:")?;
    for check in runbooks::of(finding.of).checks {
        writeln!(text, "   * {}", check.what)?;
        if !check.run.is_empty() {
            writeln!(text, "       {}", check.run)?;
        }
    }
    writeln!(
        text,
        "   More: tidegate explain --reason {}",
        finding.reason
    )
}

/// Returns the name of the route and cluster as the filter's metrics have it.
fn group(finding: &Finding) -> String {
    match (&finding.cluster, finding.grouped_by) {
        (None, _) => finding.route.clone(),
        (Some(cluster), "route") => format!("{}/{cluster}", finding.route),
        (Some(cluster), _) => format!("{}, cluster {cluster}", finding.route),
    }
}

/// Writes which requests failed.
fn write_requests(finding: &Finding, text: &mut String) -> fmt::Result {
    let hosts = finding
        .paths
        .iter()
        .map(|path| path.class.split('/').next());
    let is_one_host = hosts.collect::<BTreeSet<_>>().len() == 1;
    let paths = finding.paths.iter().take(PATHS).map(|path| {
        let failures = number(path.failures);
        let (host, name) = path.class.split_once('/').unwrap_or_default();
        match is_one_host || host == "-" {
            true => format!("/{name} ({failures})"),
            false => format!("/{name} on {host} ({failures})"),
        }
    });
    let methods = finding.methods.iter();
    let methods = methods.map(|method| format!("{} ({})", method.method, number(method.failures)));
    for (title, mut items) in [
        ("paths", paths.collect::<Vec<_>>()),
        ("methods", methods.collect()),
    ] {
        items.truncate(PATHS);
        if !items.is_empty() {
            writeln!(text, "   {title}: {}", items.join(", "))?;
        }
    }
    Ok(())
}

fn write_certainty(finding: &Finding, text: &mut String) -> fmt::Result {
    let known = &finding.known_from;
    if let Some(guess) = finding.guess {
        let what = match guess {
            Guess::OpenCircuit => "at a time of failures: most likely Tidegate's open circuit",
            Guess::MaintenanceOrFilter => {
                "without failures at that time: Tidegate's maintenance, or another filter"
            }
        };
        return writeln!(
            text,
            "   503 without flag and host, {what}. This log format cannot tell;\n   \
             envoy/access-log.yaml can."
        );
    }
    if known.unexplained > 0 {
        writeln!(
            text,
            "   {} with details that say that the connection failed, but not how: most often, it is refused.",
            number(known.unexplained)
        )?;
    }
    if known.flags > 0 {
        writeln!(
            text,
            "   {} classified by response flags alone, which several reasons share.",
            number(known.flags)
        )?;
    }
    if known.status > 0 {
        writeln!(
            text,
            "   {} classified by the status alone; add response code details to the log to be sure.",
            number(known.status)
        )?;
    }
    Ok(())
}

fn write_episode(episode: &Shown, knows_cluster: bool, text: &mut String) -> fmt::Result {
    let from = to_second(&episode.from);
    write!(text, "   {from}")?;
    if episode.seconds >= 1.0 {
        let to = to_second(&episode.to);
        // The end repeats the date only if it differs.
        let is_same_day = from.get(..DATE.len()) == to.get(..DATE.len());
        let to = to.get(DATE.len()..).filter(|_| is_same_day).unwrap_or(&to);
        write!(text, " to {to} ({})", duration(episode.seconds))?;
    }
    write!(text, ": {}", many(episode.failures, "failure"))?;
    if let Some(share) = episode.share {
        write!(text, ", {} of requests in that period", percent(share))?;
    }
    text.push('\n');
    for change in &episode.changes {
        writeln!(text, "     {}", sentence(change, knows_cluster))?;
    }
    let first = &episode.first;
    write!(text, "     first failure: {}:{}", first.file, first.line)?;
    for (what, value) in [
        ("request", &first.request_id),
        ("host", &first.upstream_host),
        ("details", &first.details),
    ] {
        if let Some(value) = value {
            write!(text, ", {what} {value}")?;
        }
    }
    text.push('\n');
    Ok(())
}

fn sentence(change: &Change, knows_cluster: bool) -> String {
    match change {
        Change::Release {
            from,
            to,
            at,
            seconds_before,
        } => {
            let when = when(at, *seconds_before);
            format!("release {from} changed to {to} at {when}")
        }
        Change::HostAdded {
            host,
            at,
            seconds_before,
        } => {
            let when = when(at, *seconds_before);
            format!("host {host} first seen at {when}")
        }
        Change::HostGone {
            host,
            at,
            seconds_before,
        } => {
            let when = when(at, *seconds_before);
            format!("host {host} last seen at {when}")
        }
        Change::OneHost { host, of } if knows_cluster => {
            format!("only host {host} of {of} fails")
        }
        // The others may be hosts of other clusters, on which the failures say nothing.
        Change::OneHost { host, .. } => {
            format!("only host {host} fails; the log does not say which hosts share its cluster")
        }
        Change::FirstHost { host, failing, of } if knows_cluster => {
            format!("{failing} of {of} hosts fail, {host} first")
        }
        Change::FirstHost { host, failing, .. } => {
            format!("{} fail, {host} first", many(*failing as u64, "host"))
        }
        Change::OnePath { class } => match class.split_once('/') {
            None => format!("nearly all of them are of {class}: other hosts are served"),
            // The host is unknown.
            Some(("-", path)) => {
                format!("nearly all of them are of /{path}: other paths are served")
            }
            Some((host, path)) => {
                format!("nearly all of them are of /{path} on {host}: other paths are served")
            }
        },
        Change::Crowd { times } => {
            format!("{times} times as many requests as before")
        }
    }
}

fn when(at: &str, seconds_before: f64) -> String {
    let at = to_second(at);
    match seconds_before {
        after if after < 0.0 => format!("{at}, {} after the first failure", duration(-after)),
        before => format!("{at}, {} before the first failure", duration(before)),
    }
}

/// Removes the milliseconds of `2026-11-23T12:40:03.123Z`.
fn to_second(time: &str) -> String {
    let second = time.split('.').next().unwrap_or(time);
    format!("{second}Z")
}

fn duration(seconds: f64) -> String {
    let all = seconds.round() as u64;
    let parts = [
        (all / 86_400, "d"),
        (all / 3600 % 24, "h"),
        (all / 60 % 60, "min"),
        (all % 60, "s"),
    ];
    // The two largest units are precise enough.
    let first = parts.iter().position(|(count, _)| *count > 0);
    let parts = parts.iter().skip(first.unwrap_or(3)).take(2);
    let parts = parts.filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    match parts.is_empty() {
        true => "0 s".to_owned(),
        false => parts.join(" "),
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        ..1.0 => format!("{percent:.2} %"),
        ..10.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// Separates thousands by commas.
fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn many(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", number(count)),
    }
}

#[cfg(test)]
mod tests;
