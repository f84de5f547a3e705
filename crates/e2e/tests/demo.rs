//! `tidegate demo` as a user starts it: the built command and its output.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::client::browser;
use tidegate_e2e::client::curl::{curl, Answer};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::Request;
use tidegate_e2e::process::{children, Process, Program};
use tidegate_e2e::{envoy, module, tool};

/// Limit for everything that the demo promises.
const LIMIT: Duration = Duration::from_secs(60);

/// A running demo.
struct Demo {
    program: Program,
    shop: SocketAddr,
    panel: SocketAddr,
    output: Receiver<String>,
    seen: Vec<String>,
}

fn command() -> std::process::Command {
    let mut command = tool();
    command
        .args(["demo", "--no-open"])
        .env("ENVOY", envoy::binary());
    command.env("TIDEGATE_WASM", module()).stdin(Stdio::null());
    command
}

impl Demo {
    fn start() -> Self {
        let mut command = command();
        command.args(["--port", "0", "--panel-port", "0"]);
        let mut program = Program::start_piped(command);
        let (lines, output) = mpsc::channel();
        let stdout = BufReader::new(program.stdout.take().expect("the output of the demo"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut demo = Self {
            program,
            shop: nowhere,
            panel: nowhere,
            output,
            seen: vec![],
        };
        demo.wait_for_line("Ctrl-C ends all of it.");
        demo.shop = demo.printed_address("The shop ");
        demo.panel = demo.printed_address("The owner's panel ");
        demo
    }

    /// Returns the address in the line that begins with `what`.
    fn printed_address(&self, what: &str) -> SocketAddr {
        let line = self
            .seen
            .iter()
            .find_map(|line| line.trim_start().strip_prefix(what));
        let url = line
            .unwrap_or_else(|| panic!("no line {what:?} in {:#?}", self.seen))
            .trim();
        let address = url
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_suffix('/'));
        address
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("{url}"))
    }

    fn wait_for_line(&mut self, text: &str) {
        while !self.seen.iter().any(|line| line.contains(text)) {
            match self.output.recv_timeout(LIMIT) {
                Ok(line) => self.seen.push(line),
                Err(error) => {
                    let said = self.stderr();
                    panic!("{error}: no {text:?} in {:#?}\n{said}", self.seen);
                }
            }
        }
    }

    /// Ends the demo and returns its standard error.
    fn stderr(&mut self) -> String {
        let _ = self.program.kill();
        read_all(&mut self.program)
    }

    fn switch(&self, mode: &str) -> Value {
        let body = json!({ "mode": mode }).to_string();
        let answer = curl(self.panel, "/state", &["-d", &body]);
        let state = answer_json(&answer);
        assert_eq!(
            (answer.status, &state["mode"]),
            (200, &json!(mode)),
            "{state}"
        );
        state
    }

    fn state(&self) -> Value {
        answer_json(&curl(self.panel, "/state", &[]))
    }

    /// Waits until the panel says that a visitor gets this.
    fn wait_until_a_visitor_gets(&self, what: &str) {
        wait_until(what, || {
            let state = self.state();
            let visitor = state["visitor"].as_str();
            visitor.filter(|said| said.contains(what)).map(drop)
        });
    }

    /// Switches the shop to fine, and waits until visitors have it again: an open circuit takes its time.
    fn recover(&self) {
        self.switch("fine");
        wait_until("the shop to be back", || {
            (self.get("text/html").status == 200).then_some(())
        });
    }

    fn get(&self, accept: &str) -> Answer {
        curl(self.shop, "/", &["-H", &format!("accept: {accept}")])
    }

    /// Returns the leader of Envoy's process group, and Envoy.
    fn children(&self) -> Vec<Process> {
        let children = children(self.program.id());
        assert_eq!(children.len(), 2, "a guard and an Envoy: {children:?}");
        assert_eq!(children[0].group, children[1].group, "{children:?}");
        let demo = Process::of(self.program.id()).expect("the demo");
        assert_ne!(
            children[0].group, demo.group,
            "a Ctrl-C must not reach them"
        );
        children
    }

    fn wait(&mut self) -> ExitStatus {
        wait_until("the demo to end", || {
            self.program.try_wait().expect("wait for the demo")
        })
    }

    fn wait_until_all_is_closed(&self, children: &[Process]) {
        for child in children {
            wait_until(&format!("the end of {child:?}"), || {
                (!child.is_alive()).then_some(())
            });
        }
        for port in [self.shop, self.panel] {
            let refused = || TcpStream::connect(port).is_err_and(|e| e.raw_os_error().is_some());
            wait_until(&format!("{port} to be closed"), || refused().then_some(()));
        }
    }
}

fn read_all(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr
            .read_to_string(&mut text)
            .expect("what the demo says");
    }
    text
}

fn wait_until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < end, "not in {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn answer_json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("text in UTF-8")
}

#[test]
fn failures_of_the_shop_get_pages_until_it_recovers() {
    let mut demo = Demo::start();
    let children = demo.children();

    let shop = demo.get("text/html");
    assert_eq!(shop.status, 200);
    assert!(text(&shop).contains("Coffee that comes in with the tide"));
    let link = format!("<a href=\"http://{}/\">the owner's panel</a>", demo.panel);
    assert!(text(&shop).contains(&link), "{}", text(&shop));

    // Mode, status and reason of the page, and the line of the demo.
    let table = [
        (
            "down",
            502,
            "connection_refused",
            "the site is down: its port refuses connections",
        ),
        ("slow", 504, "http_response_timeout", "the site is slow"),
        (
            "502",
            502,
            "upstream_bad_gateway",
            "the site is broken: it answers 502",
        ),
    ];
    for (mode, status, reason, line) in table {
        demo.switch(mode);
        demo.wait_until_a_visitor_gets(reason);
        demo.wait_for_line(line);
        let page = demo.get("text/html");
        assert_eq!(page.status, status, "{mode}");
        assert!(page
            .headers
            .get("content-type")
            .is_some_and(|t| t.starts_with("text/html")));
        assert!(
            page.headers.get("retry-after").is_some(),
            "{mode}: {:?}",
            page.headers
        );
        let html = text(&page);
        assert!(
            html.contains("Harbour Coffee"),
            "{mode}: no brand in {html}"
        );
        assert!(
            !html.contains("app-7f9c.internal"),
            "{mode}: the application's page got through"
        );
        let problem = demo.get("application/json");
        assert_eq!(problem.status, status, "{mode}");
        assert_eq!(answer_json(&problem)["reason"], reason, "{mode}");
        demo.recover();
    }

    demo.wait_for_line("the site is fine");
    wait_until("the counters", || {
        let state = demo.state();
        let at_least = |name: &str, least| state[name].as_u64().is_some_and(|n| n >= least);
        (at_least("served", 2) && at_least("failed", 6) && at_least("reached", 2)).then_some(())
    });

    demo.program.interrupt();
    assert!(demo.wait().success());
    demo.wait_for_line("Envoy, the shop and the panel are closed.");
    demo.wait_until_all_is_closed(&children);
}

/// Real visitors: they come back as the page does, and all of them are served in the end.
#[test]
fn a_crowd_meets_the_open_circuit_and_is_served_when_the_shop_is_back() {
    let demo = Demo::start();
    demo.switch("down");
    let crowd = r#"{"visitors":20,"obey":true}"#;
    let sent = answer_json(&curl(demo.panel, "/crowd", &["-d", crowd]));
    assert_eq!(sent["crowd"]["waiting"], 20, "{sent}");
    wait_until("the circuit to open", || {
        (demo.state()["circuit"]["state"] == "open").then_some(())
    });
    wait_until("rejections", || {
        demo.state()["rejected"].as_u64().filter(|count| *count > 0)
    });
    demo.wait_until_a_visitor_gets("Tidegate's page: 503, circuit_open");
    assert!(demo.state()["hint_s"].is_u64(), "{}", demo.state());
    demo.switch("fine");
    let done = json!({ "waiting": 0, "served": 20, "gave_up": 0, "rude": false });
    wait_until("the crowd to be served", || {
        (demo.state()["crowd"] == done).then_some(())
    });
    let offered = demo.state()["history"]["offered"].clone();
    let offered: Vec<u64> = serde_json::from_value(offered).expect("numbers");
    assert!(offered.iter().sum::<u64>() >= 40, "{offered:?}");
}

#[test]
fn the_panel_puts_the_shop_into_maintenance_and_ends_it() {
    let demo = Demo::start();
    demo.switch("maintenance");
    wait_until("the maintenance page", || {
        let problem = demo.get("application/json");
        (problem.status == 503 && answer_json(&problem)["reason"] == "maintenance").then_some(())
    });
    demo.wait_until_a_visitor_gets("Tidegate's page: 503, maintenance");
    demo.recover();
    demo.wait_until_a_visitor_gets("the shop");
}

/// `PANEL_PICTURE` names a file for a screenshot, such as docs/img/owners-panel.png.
#[test]
fn the_panel_works_in_a_browser_and_on_a_phone() {
    let demo = Demo::start();
    let facts = json!({
        "panel": format!("http://{}/", demo.panel),
        "picture": std::env::var("PANEL_PICTURE").ok(),
    });
    let passed = browser::run("panel.mjs", &facts, |_| json!(null));
    assert_eq!(passed.len(), 2);
}

/// The error is not hidden behind the configuration that Envoy prints.
#[test]
fn a_wrong_module_is_reported_in_a_few_lines() {
    let mut command = command();
    let module = std::env::temp_dir().join(format!("tidegate-no-module-{}", std::process::id()));
    std::fs::write(&module, "no module").expect("write a file");
    command.args(["--port", "0", "--panel-port", "0", "--module"]);
    command.arg(&module);
    let mut demo = Program::start_piped(command);
    let status = wait_until("the demo to end", || demo.try_wait().expect("wait"));
    let said = read_all(&mut demo);
    let _ = std::fs::remove_file(&module);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("Unable to create Wasm plugin"), "{said}");
    assert!(
        !said.lines().any(|line| line.trim_start().starts_with('#')),
        "{said}"
    );
    assert!(!said.contains("stats_tags"), "{said}");
}

/// What the README invites to: Down, half a minute, Fine. A script asks again and again meanwhile, from the
/// address of the visitor.
#[test]
fn visitor_of_a_site_that_was_down_has_the_page_within_seconds() {
    const REQUESTS: u32 = 900;
    const DOWN: Duration = Duration::from_secs(30);
    /// An open circuit is tried again after five seconds at most.
    const BACK: Duration = Duration::from_secs(8);
    let demo = Demo::start();
    assert_eq!(demo.get("text/html").status, 200);
    demo.switch("down");
    let down = Instant::now();
    let script = Client::new(Protocol::H1, demo.shop);
    for _ in 0..REQUESTS {
        assert!(script.get(&Request::get("/")).status >= 500);
    }
    // The page waits as long as it is told, and checks in, until it may reload.
    let mut answer = demo.get("text/html");
    let mut back = None;
    while answer.status >= 500 || answer.headers.has("x-tidegate-page") {
        let told = answer.headers.get("retry-after").map(str::parse);
        let Some(Ok(seconds)) = told else {
            panic!("{answer:?}")
        };
        assert!((1..=5).contains(&seconds), "{seconds}");
        let due = Instant::now() + Duration::from_secs(seconds);
        wait_until("the time to check in", || {
            if down.elapsed() >= DOWN && back.is_none() {
                demo.switch("fine");
                back = Some(Instant::now());
            }
            (Instant::now() >= due).then_some(())
        });
        let check_in = ["--head", "--header", "x-tidegate-retry: 1"];
        answer = curl(demo.shop, "/", &check_in);
    }
    let cookie = answer.headers.get("set-cookie").unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default();
    let page = curl(demo.shop, "/", &["--cookie", cookie]);
    let took = back.expect("the site is fine").elapsed();
    assert!(text(&page).contains("Coffee that comes in with the tide"));
    assert!(took < BACK, "{took:?}");
}

#[test]
fn killed_demo_leaves_no_process() {
    let mut demo = Demo::start();
    let children = demo.children();
    assert_eq!(demo.get("text/html").status, 200);
    demo.program.kill().expect("kill the demo");
    assert!(!demo.wait().success());
    demo.wait_until_all_is_closed(&children);
}

#[test]
fn demo_ends_with_an_error_when_envoy_dies() {
    let mut demo = Demo::start();
    let children = demo.children();
    let envoy = children
        .iter()
        .find(|child| child.pid != child.group)
        .expect("Envoy");
    envoy.kill();
    let status = demo.wait();
    assert_eq!(status.code(), Some(1));
    let said = demo.stderr();
    assert!(
        said.starts_with("tidegate demo: Envoy ended (signal: 9 (SIGKILL))"),
        "{said}"
    );
    demo.wait_until_all_is_closed(&children);
}

#[test]
fn taken_port_is_reported_with_its_option() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    for (option, other) in [("--port", "--panel-port"), ("--panel-port", "--port")] {
        let mut command = command();
        command.args([option, &port, other, "0"]);
        let mut demo = Program::start_piped(command);
        let status = wait_until("the demo to end", || demo.try_wait().expect("wait"));
        let said = read_all(&mut demo);
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("port {port} cannot be used")),
            "{said}"
        );
        assert!(
            said.contains(&format!("select another with {option};")),
            "{said}"
        );
    }
}
