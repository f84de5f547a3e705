//! `tidegate explain`: summarizes an access log for an operator on call: what failed, why, since
//! when, what changed at that time, and what to check first.

mod bare;
mod changes;
mod classes;
mod entry;
mod episodes;
mod json_line;
mod line;
mod print;
mod progress;
mod read;
mod report;
mod runbooks;
mod seen;
mod tally;
mod text_line;
mod timeline;
mod wrapped;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tidegate_core::failure::Reason;

use report::Report;

/// Names are cut to this many bytes, so that clients cannot make a report large.
const MAX_NAME: usize = 128;

/// Explain the failures in Envoy access logs, or explain one reason
///
/// Reads Envoy's default text format, Istio's text format, and JSON with the fields of
/// `envoy/access-log.yaml`, as Envoy wrote them or as kubectl, stern, container runtimes and Google Cloud
/// Logging pass them on; formats may be mixed, and files may be compressed with gzip. Name the files
/// of a rotated log oldest first. Exit code: 0 if everything was read, 1 if no line could be
/// understood, 2 if a file cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate explain access.log.1.gz access.log       a rotated log, oldest file first
  kubectl logs deploy/istio-ingressgateway -n istio-system | tidegate explain -
  tidegate explain --reason connection_refused      what it means and what to check
  tidegate explain --json access.log | jq .findings")]
pub(crate) struct Args {
    /// Access logs; `-` reads standard input
    #[arg(required_unless_present_any = ["reason", "runbooks"], value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Number of findings to show, the most harmful first; 0 shows all (JSON always has all)
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Gap that separates two incidents
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    gap: Duration,
    /// Explain this reason: its meaning, what to check, what to change; `list` lists all reasons
    #[arg(long, value_name = "REASON", conflicts_with_all = ["files", "json"])]
    reason: Option<String>,
    /// Print the explanations of all reasons (Markdown)
    #[arg(long, conflicts_with_all = ["files", "json", "reason"])]
    runbooks: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    if args.runbooks {
        return crate::output::print(&runbooks::page());
    }
    match args.reason.as_deref() {
        Some("list") => crate::output::print(&runbooks::list()),
        Some(reason) => match Reason::from_token(reason) {
            Some(reason) => crate::output::print(&runbooks::text(reason)),
            None => {
                eprintln!("{}", runbooks::unknown(reason));
                ExitCode::from(crate::USAGE)
            }
        },
        None => explain(args),
    }
}

fn explain(args: &Args) -> ExitCode {
    let gap_ms = u64::try_from(args.gap.as_millis()).unwrap_or(u64::MAX);
    let outcome = read::read(&args.files, gap_ms, None);
    for (file, error) in &outcome.errors {
        eprintln!("{}: cannot be read: {error}", report::name(file));
    }
    let report = Report::new(&outcome.tally, &args.files);
    let is_nothing_understood = report.requests == 0 && report.unreadable.lines > 0;
    if report.requests == 0 && !outcome.errors.is_empty() && !args.json {
        return ExitCode::from(crate::USAGE);
    }
    if let Some(first) = report
        .unreadable
        .first
        .as_ref()
        .filter(|_| is_nothing_understood)
    {
        eprintln!(
            "{}:{}: {}\nno line could be read (of {})",
            first.file, first.line, first.why, report.lines
        );
    }
    let printed = match args.json {
        true => match serde_json::to_string_pretty(&report) {
            Ok(json) => crate::output::print(&(json + "\n")),
            Err(error) => {
                eprintln!("the report cannot be written as JSON: {error}");
                ExitCode::from(crate::USAGE)
            }
        },
        false if is_nothing_understood => ExitCode::SUCCESS,
        false => crate::output::print(&print::text(&report, args.top)),
    };
    match (outcome.errors.is_empty(), is_nothing_understood) {
        (false, _) => ExitCode::from(crate::USAGE),
        (true, true) => ExitCode::from(crate::FINDINGS),
        (true, false) => printed,
    }
}

/// Returns the start of a name, at most [`MAX_NAME`] bytes.
fn cut(name: &str) -> &str {
    if name.len() <= MAX_NAME {
        return name;
    }
    let mut end = MAX_NAME;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
