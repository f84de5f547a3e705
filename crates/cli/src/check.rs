//! `tidegate check`: checks configurations with the filter's own parser, and reports all errors and
//! warnings of all files at once.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::bundle::Bundle;
use crate::findings::{count, Finding, Findings, Severity};
use crate::lint;
use crate::source::{display_name, Source};

/// Check filter configurations, page projects, and the files of Envoy, Istio and Envoy Gateway that
/// hold a configuration
///
/// Prints every error and warning with file, line and column. An error is what the filter refuses, or
/// what cannot be embedded in a page. Warnings are about pages (what their content security policy
/// blocks, what is not accessible) and about rules, templates and times that have no effect.
///
/// Exit code: 0 if there are no errors, 1 if there are, 2 if a file cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate check filter.json                       the configuration that the filter gets
  tidegate check my-pages/tidegate.yaml            a source, with the pages and files that it names
  tidegate check envoy.yaml wasmplugin.yaml        the configurations inside, in YAML or JSON
  helm template . | tidegate check --strict -      what a chart makes
  tidegate check --strict --format github *.yaml   annotations in GitHub Actions; fails on warnings")]
pub(crate) struct Args {
    /// Configurations, sources or resources in JSON or YAML; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Format of the report
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// The formats of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line per finding on standard error: `file:line:column: error: …`
    Text,
    /// One JSON object on standard output
    Json,
    /// Workflow commands of GitHub Actions on standard output
    Github,
}

/// The result of checking a source.
#[derive(Debug)]
pub(crate) struct Examined {
    /// Its errors and warnings, sorted by place.
    pub(crate) findings: Findings,
    /// Its bundle, if there are no errors.
    pub(crate) bundle: Option<Bundle>,
}

/// Finds everything that can be said about a source, and bundles it. `as_it_is`: the filter gets it without
/// a bundle, so nothing is embedded.
pub(crate) fn examine(source: &mut Source, as_it_is: bool) -> Examined {
    let mut findings = std::mem::take(&mut source.errors);
    for warning in lint::lint(source, &findings, as_it_is) {
        findings.add(warning);
    }
    let (bundle, found) = Bundle::new(source, !as_it_is);
    for finding in found {
        findings.add(finding);
    }
    for warning in lint::sizes(source, &bundle) {
        findings.add(warning);
    }
    findings.sort();
    let is_good = findings.errors() == 0;
    Examined {
        findings,
        bundle: is_good.then_some(bundle),
    }
}

/// Why a source cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It has errors.
    Wrong(Findings),
}

/// The errors without the file of the source, which the caller names.
impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Unusable::Wrong(findings) => {
                let lines: Vec<String> = findings.list.iter().map(Finding::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

/// Loads and bundles the source at `path`. Returns its warnings too.
///
/// # Errors
/// The source cannot be read, or has errors.
pub(crate) fn bundle(path: &Path) -> Result<(Source, Bundle, Findings), Unusable> {
    let mut source = Source::load(path).map_err(Unusable::Unreadable)?;
    let Examined { findings, bundle } = examine(&mut source, false);
    match bundle {
        Some(bundle) => Ok((source, bundle, findings)),
        None => Err(Unusable::Wrong(findings)),
    }
}

/// Prints why the source at `path` cannot be used, and returns the exit code.
pub(crate) fn refuse(path: &Path, error: &Unusable) -> ExitCode {
    let name = display_name(path);
    match error {
        Unusable::Unreadable(error) => {
            eprintln!("{name}: cannot be read: {error}");
            ExitCode::from(crate::USAGE)
        }
        Unusable::Wrong(findings) => {
            findings.print(&name);
            ExitCode::from(crate::FINDINGS)
        }
    }
}

/// The counts of a run.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    errors: usize,
    warnings: usize,
    unreadable: usize,
    is_strict: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut tally = Tally {
        is_strict: args.strict,
        ..Tally::default()
    };
    let mut all = Vec::new();
    for file in &args.files {
        let findings = check(file, &mut tally);
        match args.format {
            Format::Text => findings.print(&display_name(file)),
            Format::Json | Format::Github => all.extend(findings.list),
        }
    }
    let printed = match args.format {
        Format::Text => {
            eprintln!("{tally}");
            ExitCode::SUCCESS
        }
        Format::Json => crate::output::print(&tally.json(&all)),
        Format::Github => {
            let lines: String = all.iter().map(|finding| command(finding) + "\n").collect();
            eprintln!("{tally}");
            crate::output::print(&lines)
        }
    };
    match tally {
        Tally {
            unreadable: 1.., ..
        } => ExitCode::from(crate::USAGE),
        Tally { errors: 1.., .. } => ExitCode::from(crate::FINDINGS),
        Tally { warnings: 1.., .. } if args.strict => ExitCode::from(crate::FINDINGS),
        _ => printed,
    }
}

/// Returns the findings of a file, in the order of their places.
fn check(file: &Path, tally: &mut Tally) -> Findings {
    let mut all = Findings::default();
    match Source::load_all(file) {
        Ok(sources) => {
            tally.files += 1;
            for mut source in sources {
                let as_it_is = source.is_for_the_filter;
                let Examined { findings, .. } = examine(&mut source, as_it_is);
                all.more += findings.more;
                findings
                    .list
                    .into_iter()
                    .for_each(|finding| all.add(finding));
            }
            all.sort();
            tally.errors += all.errors();
            tally.warnings += all.warnings();
        }
        Err(error) => {
            tally.unreadable += 1;
            all.add(Finding {
                file: display_name(file),
                mark: crate::source::Mark::nowhere(0),
                severity: Severity::Error,
                what: format!("cannot be read: {error}"),
            });
        }
    }
    all
}

/// Returns a workflow command of GitHub Actions, which shows the finding at its place.
fn command(finding: &Finding) -> String {
    let Finding {
        file, mark, what, ..
    } = finding;
    let escaped = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let file = escaped(file).replace(':', "%3A").replace(',', "%2C");
    let place = match mark.line {
        0 => String::new(),
        line => format!(",line={line},col={}", mark.column),
    };
    let word = finding.severity.word();
    format!("::{word} file={file}{place}::{}", escaped(what))
}

impl Tally {
    fn json(&self, findings: &[Finding]) -> String {
        let known = |number: usize| (number > 0).then_some(number);
        let findings = findings.iter().map(|finding| {
            json!({
                "file": finding.file,
                "line": known(finding.mark.line),
                "column": known(finding.mark.column),
                "severity": finding.severity.word(),
                "message": finding.what,
            })
        });
        let report = json!({
            "files": self.files,
            "unreadable": self.unreadable,
            "errors": self.errors,
            "warnings": self.warnings,
            "findings": findings.collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (files, errors) = (count(self.files, "file"), count(self.errors, "error"));
        write!(f, "{files} checked: {errors}")?;
        if self.warnings > 0 {
            write!(f, ", {}", count(self.warnings, "warning"))?;
            if self.is_strict {
                f.write_str(", treated as errors")?;
            }
        }
        if self.unreadable > 0 {
            write!(f, "; {} cannot be read", count(self.unreadable, "file"))?;
        }
        Ok(())
    }
}
