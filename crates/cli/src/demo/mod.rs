//! `tidegate demo`: a shop behind Envoy with the filter, which its owner can break.
//!
//! A newcomer can switch the shop off and see what its visitors get, with nothing to install but
//! Envoy. The shop and the owner's panel are served from this process, Envoy is its child, and all
//! of it ends together (see [`envoy`]).

use std::fmt;
use std::io::{self, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use self::crowd::Crowds;
use self::envoy::{Envoy, Setup, MAINTENANCE};
use self::panel::Panel;
use self::probe::Probe;
use self::report::Report;
use self::site::Site;
use self::watch::Watch;
use crate::check::Unusable;
use crate::http::{lock, Handler, Server};

mod client;
mod crowd;
mod envoy;
mod panel;
mod probe;
mod report;
mod site;
mod watch;

/// The filter configuration of the demo: a brand, and else the defaults.
const CONFIG: &str = include_str!("assets/filter.json");
/// Interval at which Envoy is checked and its counters are read.
const TICK: Duration = Duration::from_millis(500);

/// Run a demo: a small shop behind Envoy with the filter, and a panel that breaks the shop
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate demo                          the shop on port 8080, its panel on port 8081
  tidegate demo --config tidegate.yaml   with your own pages and settings
  tidegate demo --port 0 --panel-port 0 --envoy ~/bin/envoy --module ~/tidegate.wasm")]
pub(crate) struct Args {
    /// Port of the shop on 127.0.0.1; 0 selects a free port
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Port of the panel on 127.0.0.1; 0 selects a free port
    #[arg(long, value_name = "PORT", default_value_t = 8081)]
    panel_port: u16,
    /// Configuration or source, in YAML or JSON, to use instead of the demo's own
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Envoy binary
    #[arg(long, value_name = "FILE", env = "ENVOY", default_value = "envoy")]
    envoy: PathBuf,
    /// Filter module
    #[arg(
        long,
        value_name = "FILE",
        env = "TIDEGATE_WASM",
        default_value = "dist/tidegate.wasm"
    )]
    module: PathBuf,
    /// Open the panel in a browser (the default on a desktop)
    #[arg(long)]
    open: bool,
    /// Do not open a browser
    #[arg(long, conflicts_with = "open")]
    no_open: bool,
}

/// Events for the main thread.
enum Event {
    /// The panel switched the site.
    Turned,
    /// The site could not bind its port again.
    SiteLost(io::Error),
    /// A signal asks the demo to end.
    Stop,
}

/// Runs the demo until a signal ends it.
pub(crate) fn run(args: &Args) -> ExitCode {
    match demo(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate demo: {error}");
            ExitCode::from(if error.is_usage() {
                crate::USAGE
            } else {
                crate::FINDINGS
            })
        }
    }
}

fn demo(args: &Args) -> Result<(), Error> {
    let (events, received) = mpsc::channel();
    // First, so that a signal ends everything that is started below.
    listen_for_signals(events.clone())?;
    let module = absolute(&args.module)?;
    let config = with_maintenance(filter_config(args.config.as_deref())?);
    port_is_free(args.port, "--port")?;
    port_is_free(args.panel_port, "--panel-port")?;

    let site = Arc::new(Site::start().map_err(Error::System)?);
    report::starting();
    let envoy = Envoy::start(&Setup {
        envoy: &args.envoy,
        module: &module,
        config: &config,
        port: args.port,
        site_port: site.port(),
    })?;
    let watch = Arc::new(Mutex::new(Watch::default()));
    let shop = SocketAddr::from((Ipv4Addr::LOCALHOST, envoy.port()));
    let probe = Probe::start(shop).map_err(Error::System)?;
    let url = format!("http://{shop}/");
    let panel = Panel {
        site: site.clone(),
        watch: watch.clone(),
        probe: probe.clone(),
        crowds: Crowds::new(shop),
        maintenance: Box::new(envoy.maintenance()),
        url: url.clone(),
        events,
    };
    let panel = open_panel(args.panel_port, panel)?;
    let panel_url = format!("http://127.0.0.1:{}/", panel.port());
    site.set_panel(&panel_url);

    let mut report = Report::begin(&url, &panel_url, Instant::now());
    report.state(site.state(), Instant::now());
    if args.open || (!args.no_open && on_a_desktop()) {
        open_browser(&panel_url);
    }

    let mut tick = Instant::now() + TICK;
    let outcome = loop {
        match received.recv_timeout(tick.saturating_duration_since(Instant::now())) {
            Ok(Event::Turned) => report.state(site.state(), Instant::now()),
            Ok(Event::SiteLost(error)) => break Err(Error::SiteLost(error)),
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                let now = Instant::now();
                tick = now + TICK;
                if let Some((status, log)) = envoy.ended() {
                    break Err(Error::EnvoyEnded { status, log });
                }
                match site.tick(now) {
                    Ok(true) => {
                        probe.switched();
                        report.state(site.state(), now);
                    }
                    Ok(false) => {}
                    Err(error) => break Err(Error::SiteLost(error)),
                }
                if let Some(read) = envoy.counts() {
                    if lock(&watch).take(read, now) {
                        probe.changed();
                    }
                    report.counts(read, site.reached(), now);
                }
            }
        }
    };
    envoy.stop();
    report.end(outcome.is_ok());
    outcome
}

fn listen_for_signals(events: Sender<Event>) -> Result<(), Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Error::System)?;
    let listening = std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for _ in signals.forever() {
                // Fails if the demo is ending already.
                let _ = events.send(Event::Stop);
            }
        });
    listening.map(|_| ()).map_err(Error::System)
}

/// Returns the absolute path of the module, since Envoy may run in another folder.
fn absolute(module: &Path) -> Result<PathBuf, Error> {
    let found = std::fs::canonicalize(module);
    found.map_err(|error| Error::Module {
        module: module.into(),
        error,
    })
}

/// Returns the filter configuration, checked as the filter checks it.
fn filter_config(file: Option<&Path>) -> Result<String, Error> {
    let Some(file) = file else {
        return Ok(CONFIG.to_owned());
    };
    match crate::check::bundle(file) {
        Ok((_, bundle, _)) => Ok(bundle.json),
        Err(error) => Err(Error::Config {
            file: file.into(),
            error,
        }),
    }
}

/// Adds the policy that the panel's button uses. The configuration is valid.
fn with_maintenance(config: String) -> String {
    let Ok(Value::Object(mut whole)) = serde_json::from_str(&config) else {
        return config;
    };
    let rule = json!({
        "name": MAINTENANCE,
        "match": { "route": MAINTENANCE },
        "maintenance": true,
    });
    let routes = whole.entry("routes").or_insert_with(|| json!([]));
    let routes = routes.as_array_mut();
    let Some(routes) = routes.filter(|rules| rules.iter().all(|rule| rule["name"] != MAINTENANCE))
    else {
        return config;
    };
    routes.insert(0, rule);
    Value::Object(whole).to_string()
}

/// Checks the port, with a shorter error than Envoy's.
fn port_is_free(port: u16, option: &'static str) -> Result<(), Error> {
    match crate::http::is_free(port) {
        Ok(()) => Ok(()),
        Err(error) => Err(Error::Port {
            port,
            option,
            error,
        }),
    }
}

fn open_panel(port: u16, panel: Panel) -> Result<Server, Error> {
    let handler: Arc<Handler> = Arc::new(move |request| panel.answer(request));
    let server = Server::reserve(port, false, handler);
    let server = server.and_then(|server| server.open().map(|()| server));
    server.map_err(|error| Error::Port {
        port,
        option: "--panel-port",
        error,
    })
}

/// Returns whether a person at a desktop runs the demo.
fn on_a_desktop() -> bool {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    io::stdout().is_terminal() && (cfg!(target_os = "macos") || display)
}

/// Opens a browser if possible; the address is printed in any case.
fn open_browser(url: &str) {
    use std::os::unix::process::CommandExt;
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let browser = Command::new(opener)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the demo must not end the browser.
        .process_group(0)
        .spawn();
    if let Ok(mut browser) = browser {
        // Reaps the process.
        let _ = std::thread::Builder::new().spawn(move || browser.wait());
    }
}

/// Why the demo did not start, or ended.
#[derive(Debug)]
enum Error {
    /// The module does not exist.
    Module { module: PathBuf, error: io::Error },
    /// The configuration cannot be read, or the filter rejects it.
    Config { file: PathBuf, error: Unusable },
    /// A port cannot be bound.
    Port {
        port: u16,
        option: &'static str,
        error: io::Error,
    },
    /// Envoy cannot be run.
    EnvoyMissing { envoy: PathBuf, error: io::Error },
    /// Envoy exited.
    EnvoyEnded { status: ExitStatus, log: String },
    /// Envoy runs but does not serve.
    EnvoyNotReady { waited: Duration, log: String },
    /// Envoy does not report its port.
    EnvoySilent,
    /// The site could not bind its port again.
    SiteLost(io::Error),
    /// An unexpected system error.
    System(io::Error),
}

impl Error {
    /// Returns whether the arguments are the cause.
    fn is_usage(&self) -> bool {
        matches!(
            self,
            Error::Module { .. }
                | Error::EnvoyMissing { .. }
                | Error::Config {
                    error: Unusable::Unreadable(_),
                    ..
                }
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Module { module, error } => write!(
                f,
                "no filter module at {}: {error}\n\
                 `make wasm` builds it at dist/tidegate.wasm; select another with --module or TIDEGATE_WASM",
                module.display()
            ),
            Error::Config { file, error } => match error {
                Unusable::Unreadable(_) => write!(f, "{}: {error}", file.display()),
                Unusable::Wrong(_) => {
                    write!(f, "the filter rejects {}:\n{error}", file.display())
                }
            },
            Error::Port { port, option, error } => {
                write!(f, "port {port} cannot be used: {error}\nselect another with {option}; 0 selects a free port")
            }
            Error::EnvoyMissing { envoy, error } => write!(
                f,
                "cannot run Envoy as {}: {error}\n\
                 name the binary with --envoy or ENVOY; `make demo` downloads one",
                envoy.display()
            ),
            Error::EnvoyEnded { status, log } => write!(f, "Envoy ended ({status}){}", Tail(log)),
            Error::EnvoyNotReady { waited, log } => {
                write!(f, "Envoy does not serve after {} s{}", waited.as_secs(), Tail(log))
            }
            Error::EnvoySilent => f.write_str("Envoy does not report the port that it listens on"),
            Error::SiteLost(error) => write!(f, "the site could not bind its port again: {error}"),
            Error::System(error) => write!(f, "{error}"),
        }
    }
}

/// The end of a log, if there is one.
struct Tail<'a>(&'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("; its log is empty"),
            log => write!(f, "; the end of its log:\n{log}"),
        }
    }
}

#[cfg(test)]
mod tests;
