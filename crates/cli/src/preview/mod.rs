//! `tidegate preview`: shows every page of a source while it is edited.
//!
//! The filter's own core renders the pages from the bundle that the filter gets. The gallery shows
//! a page in a frame, which the page's policy forbids. So framed pages have a policy that differs
//! in this alone, and a link leads to the page with its original policy.

mod cases;
mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::check::{bundle, refuse};
use crate::findings::{count, Findings};
use crate::http::{lock, Request, Response, Server};
use crate::progress::Progress;
use crate::source::display_name;
use crate::time::now;
use cases::{Cases, Contents, Form, Method, Variant};
use watch::Watched;

/// Interval at which the files of the source are checked for changes.
const POLL: Duration = Duration::from_millis(500);
/// A folder that is written for longer than this shows its progress.
const QUIET: Duration = Duration::from_secs(1);
/// The gallery; `STATE` is the placeholder of its data.
const GALLERY: &str = include_str!("gallery.html");
const STATE: &str = "{\"state\":0}";

/// Show every page of a source: each reason, format, language and color scheme
///
/// Serves a gallery on 127.0.0.1. Pages are the bytes that the filter would serve now, with its headers
/// and retry hints. The gallery reloads when a file of the source changes, and shows errors and warnings.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate preview my-pages/tidegate.yaml                       open http://127.0.0.1:8090/
  tidegate preview my-pages/tidegate.yaml --port 0              on a free port
  tidegate preview my-pages/tidegate.yaml --out shown           files to send to somebody
  tidegate preview tidegate.yaml --out shown --lang de --lang ja
  tidegate preview wasmplugin.yaml                              what a resource of a cluster shows")]
pub(crate) struct Args {
    /// Source or configuration in YAML or JSON; `-` reads standard input
    source: PathBuf,
    /// Port of the gallery on 127.0.0.1; 0 selects a free port
    #[arg(long, value_name = "PORT", default_value_t = 8090)]
    port: u16,
    /// Write the gallery and its pages to this folder instead of serving them
    #[arg(long, value_name = "DIR", conflicts_with = "port")]
    out: Option<PathBuf>,
    /// With --out: language of the pages, such as `de`; may be repeated; `all` writes every language
    /// [default: the source's `locales.default`]
    #[arg(long = "lang", value_name = "TAG", requires = "out")]
    languages: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let (source, bundle, warnings) = match bundle(&args.source) {
        Ok(made) => made,
        Err(error) => return refuse(&args.source, &error),
    };
    let cases = Cases::new(bundle.config);
    match &args.out {
        Some(folder) => {
            warnings.print(&display_name(&args.source));
            write(&cases, &warnings, folder, &args.languages)
        }
        None => serve(
            args.port,
            Watched::new(&args.source, &source, cases, warnings),
        ),
    }
}

/// Writes the gallery and its pages.
fn write(cases: &Cases, found: &Findings, folder: &Path, wanted: &[String]) -> ExitCode {
    let all = cases.languages();
    let languages = match wanted {
        [] => vec![cases.default_language().to_owned()],
        _ if wanted.iter().any(|tag| tag == "all") => all,
        _ => match wanted.iter().find(|tag| !all.contains(tag)) {
            None => wanted.to_vec(),
            Some(unknown) => {
                let all = all.join(", ");
                eprintln!("--lang: found {unknown:?}; allowed: all, {all}");
                return ExitCode::from(crate::USAGE);
            }
        },
    };
    match write_all(cases, found, folder, &languages) {
        Ok(pages) => {
            let index = folder.join("index.html");
            let pages = count(pages, "page");
            let languages = languages.join(", ");
            eprintln!("{pages} written ({languages}); open {}", index.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: cannot be written: {error}", folder.display());
            ExitCode::from(crate::USAGE)
        }
    }
}

fn write_all(
    cases: &Cases,
    found: &Findings,
    folder: &Path,
    languages: &[String],
) -> io::Result<usize> {
    let now = now();
    let mut heads = BTreeMap::new();
    let mut progress = Progress::in_log_too(QUIET);
    for page in cases.pages() {
        fs::create_dir_all(folder.join(&page.slug))?;
        let gets = Form::ALL.into_iter().map(|form| (Method::Get, "", form));
        let posts = cases.differing(page, now).into_iter();
        let posts = posts.map(|form| (Method::Post, "post.", form));
        for (method, infix, form) in gets.chain(posts) {
            for reason in &page.reasons {
                for language in languages {
                    let variant = Variant {
                        reason,
                        language,
                        method,
                        form,
                    };
                    let Some(made) = cases.make(&page.slug, variant, now) else {
                        continue;
                    };
                    let extension = form.extension();
                    let name = format!("{}/{reason}.{language}.{infix}{extension}", page.slug);
                    fs::write(folder.join(&name), made.readable())?;
                    heads.insert(name, made.head());
                    progress.update(|_| format!("{} written", count(heads.len(), "page")));
                }
            }
        }
    }
    progress.end();
    let contents = Contents::Written {
        languages,
        heads: &heads,
        now,
    };
    let state = cases.state(&contents, found);
    fs::write(
        folder.join("index.html"),
        GALLERY.replacen(STATE, &state, 1),
    )?;
    Ok(heads.len())
}

fn serve(port: u16, watched: Watched) -> ExitCode {
    let watched = Arc::new(Mutex::new(watched));
    let handler = {
        let watched = Arc::clone(&watched);
        move |request: &Request| answer(request, &watched)
    };
    let server = Server::reserve(port, false, Arc::new(handler));
    let server = server.and_then(|server| server.open().map(|()| server));
    match server {
        Ok(server) => {
            eprintln!(
                "Gallery at http://127.0.0.1:{}/ (Ctrl-C stops it)",
                server.port()
            );
            lock(&watched).print();
            loop {
                std::thread::sleep(POLL);
                lock(&watched).refresh();
            }
        }
        Err(error) => {
            eprintln!("port {port}: {error}; select another with --port");
            ExitCode::from(crate::USAGE)
        }
    }
}

fn answer(request: &Request, watched: &Mutex<Watched>) -> Response {
    // Another site may resolve its own name to this address (DNS rebinding).
    let host = request.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "127.0.0.1" | "localhost") {
        return Response::new(403, "text/plain; charset=utf-8", "127.0.0.1 only\n");
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Response::new(405, "text/plain; charset=utf-8", "GET only\n");
    }
    let mut watched = lock(watched);
    watched.refresh();
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    match path.as_slice() {
        [""] => {
            let gallery = GALLERY.replacen(STATE, &watched.state(), 1);
            Response::new(200, "text/html; charset=utf-8", gallery)
        }
        ["state.json"] => Response::new(200, "application/json", watched.state()),
        [way @ ("served" | "framed" | "head"), page, reason, language, method, form] => {
            let made = Method::parse(method)
                .zip(Form::parse(form))
                .and_then(|(method, form)| {
                    let variant = Variant {
                        reason,
                        language,
                        method,
                        form,
                    };
                    watched.cases().make(page, variant, now())
                });
            match (made, *way) {
                (None, _) => not_found(),
                (Some(made), "head") => {
                    Response::new(200, "text/plain; charset=utf-8", made.head())
                }
                (Some(made), way) => made.response(way == "framed"),
            }
        }
        _ => not_found(),
    }
}

fn not_found() -> Response {
    Response::new(404, "text/plain; charset=utf-8", "no such page\n")
}
