//! `tidegate preview`: shows every page of a source while it is edited.
//!
//! The filter's own core renders the pages from the bundle that the filter gets. The gallery shows
//! a page in a frame, which the page's policy forbids. So framed pages have a policy that differs
//! in this alone, and a link leads to the page with its original policy.

mod cases;
mod watch;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use crate::http::{lock, Request, Response, Server};
use crate::source::Source;
use cases::{Cases, Form, Method};
use watch::Watched;

/// The gallery; `STATE` is the placeholder of its data.
const GALLERY: &str = include_str!("gallery.html");
const STATE: &str = "{\"state\":0}";

/// Show every page of a source: each reason, format, language and color scheme
///
/// Serves a gallery on 127.0.0.1. Pages are the bytes that the filter would serve; the gallery
/// reloads when a file of the source changes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Source in YAML or JSON
    source: PathBuf,
    /// Port of the gallery on 127.0.0.1; 0 selects a free port
    #[arg(long, value_name = "PORT", default_value_t = 8090)]
    port: u16,
    /// Write the gallery and all pages to this folder instead of serving them
    #[arg(long, value_name = "DIR", conflicts_with = "port")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    match &args.out {
        Some(folder) => write(&args.source, folder),
        None => serve(args),
    }
}

/// Writes the gallery and its pages.
fn write(path: &Path, folder: &Path) -> ExitCode {
    let mut source = match Source::load(path) {
        Ok(source) => source,
        Err(error) => return crate::bundle::refuse(path, &error),
    };
    let cases = match crate::bundle::Bundle::new(&mut source) {
        Ok(bundle) => Cases::new(bundle.config),
        Err(findings) => {
            findings.print(path);
            return ExitCode::from(crate::FINDINGS);
        }
    };
    match write_all(&cases, folder) {
        Ok(count) => {
            let index = folder.join("index.html");
            eprintln!("{count} pages written; open {}", index.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: cannot be written: {error}", folder.display());
            ExitCode::from(crate::USAGE)
        }
    }
}

fn write_all(cases: &Cases, folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for page in cases.pages() {
        let folder = folder.join(&page.slug);
        fs::create_dir_all(&folder)?;
        let gets = Form::ALL.into_iter().map(|form| (Method::Get, "", form));
        let posts = cases.differing(page).into_iter();
        let posts = posts.map(|form| (Method::Post, "post.", form));
        for (method, infix, form) in gets.chain(posts) {
            for reason in &page.reasons {
                for language in cases.languages() {
                    let name = format!("{reason}.{language}.{infix}{}", form.extension());
                    let made = cases.make(&page.slug, reason, &language, method, form);
                    let Some(made) = made else { continue };
                    fs::write(folder.join(name), made.body)?;
                    count += 1;
                }
            }
        }
    }
    let state = cases.state(false, 0, "");
    fs::write(
        folder.join("index.html"),
        GALLERY.replacen(STATE, &state, 1),
    )?;
    Ok(count)
}

fn serve(args: &Args) -> ExitCode {
    let watched = match Watched::new(&args.source) {
        Ok(watched) => watched,
        Err(error) => return crate::bundle::refuse(&args.source, &error),
    };
    let watched = Arc::new(Mutex::new(watched));
    let handler = move |request: &Request| answer(request, &watched);
    let server = Server::reserve(args.port, false, Arc::new(handler));
    let server = server.and_then(|server| server.open().map(|()| server));
    match server {
        Ok(server) => {
            eprintln!(
                "Gallery at http://127.0.0.1:{}/; Ctrl-C stops it",
                server.port()
            );
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("port {}: {error}; select another with --port", args.port);
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
        [way @ ("served" | "framed"), page, reason, language, method, form] => {
            let made = Method::parse(method)
                .zip(Form::parse(form))
                .and_then(|(method, form)| {
                    watched.cases().make(page, reason, language, method, form)
                });
            made.map_or_else(not_found, |made| made.response(*way == "framed"))
        }
        _ => not_found(),
    }
}

fn not_found() -> Response {
    Response::new(404, "text/plain; charset=utf-8", "no such page\n")
}
