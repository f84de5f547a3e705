use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;

use super::super::envoy::Counts;
use super::*;
use crate::http::parse;

fn panel() -> (Panel, mpsc::Receiver<Event>) {
    let (events, received) = mpsc::channel();
    let mut watch = Watch::default();
    let counts = Counts {
        served: 3,
        failed: 2,
        rejected: 1,
        state: 3,
        ..Counts::default()
    };
    watch.take(counts, Instant::now());
    // Nobody answers there.
    let shop = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let panel = Panel {
        site: Arc::new(Site::start().unwrap()),
        watch: Arc::new(Mutex::new(watch)),
        probe: Probe::start(shop).unwrap(),
        crowds: Crowds::new(shop),
        maintenance: Box::new(|_| ()),
        url: "http://127.0.0.1:8080/".to_owned(),
        events,
    };
    (panel, received)
}

fn ask(panel: &Panel, request: &str) -> (u16, serde_json::Value) {
    let response = panel.answer(&parse(request));
    (
        response.status,
        serde_json::from_slice(&response.body).unwrap(),
    )
}

fn post(panel: &Panel, headers: &str, body: &str) -> (u16, serde_json::Value) {
    let length = body.len();
    ask(
        panel,
        &format!("POST /state HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}"),
    )
}

#[test]
fn the_panel_switches_to_every_mode_and_reports_it() {
    let (panel, events) = panel();
    for mode in Mode::ALL {
        let body = json!({ "mode": mode }).to_string();
        let (status, state) = post(&panel, "", &body);
        assert_eq!((status, &state["mode"]), (200, &json!(mode)));
        assert_eq!(state["up"], json!(panel.site.state().up));
        assert_eq!((&state["served"], &state["failed"]), (&json!(3), &json!(2)));
        assert!(matches!(events.try_recv(), Ok(Event::Turned)));
        assert_eq!(ask(&panel, "GET /state HTTP/1.1\r\n\r\n"), (200, state));
    }
}

#[test]
fn an_invalid_mode_is_refused_and_changes_nothing() {
    let (panel, events) = panel();
    for body in [
        "",
        "down",
        "{}",
        r#"{"mode":"up"}"#,
        r#"{"mode":"down","for":1}"#,
    ] {
        let (status, answer) = post(&panel, "", body);
        assert_eq!(status, 400, "{body}");
        let error = answer["error"].as_str().unwrap();
        let modes = "fine, down, slow, 502, flapping, maintenance";
        assert!(error.contains(modes), "{error}");
    }
    assert_eq!(panel.site.state().mode, Mode::Fine);
    assert!(events.try_recv().is_err());
}

#[test]
fn the_panel_shows_the_circuit() {
    let (panel, _events) = panel();
    let (_, state) = ask(&panel, "GET /state HTTP/1.1\r\n\r\n");
    assert_eq!(state["circuit"], json!({ "state": "open", "admitted": 0 }));
    assert_eq!(state["rejected"], json!(1));
}

fn send(panel: &Panel, headers: &str, body: &str) -> (u16, serde_json::Value) {
    let length = body.len();
    ask(
        panel,
        &format!("POST /crowd HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}"),
    )
}

#[test]
fn the_panel_sends_a_crowd() {
    let (panel, _events) = panel();
    let (status, state) = send(&panel, "", r#"{"visitors":7,"obey":false}"#);
    assert_eq!((status, &state["crowd"]["waiting"]), (200, &json!(7)));
    for body in [
        "",
        "{}",
        r#"{"visitors":1}"#,
        r#"{"visitors":1000,"obey":true}"#,
        r#"{"rude":false}"#,
        r#"{"rude":true,"more":1}"#,
    ] {
        let (status, answer) = send(&panel, "", body);
        assert_eq!(status, 400, "{body}: {answer}");
    }
    let foreign = "host: 127.0.0.1:8081\r\norigin: http://evil.example\r\n";
    let (status, _) = send(&panel, foreign, r#"{"rude":true}"#);
    assert_eq!(status, 403);
}

#[test]
fn a_page_of_another_origin_cannot_switch_the_site() {
    let (panel, _events) = panel();
    let down = r#"{"mode":"down"}"#;
    let table = [
        (
            "host: 127.0.0.1:8081\r\norigin: http://127.0.0.1:8081\r\n",
            200,
        ),
        ("host: 127.0.0.1:8081\r\n", 200),
        (
            "host: 127.0.0.1:8081\r\norigin: http://evil.example\r\n",
            403,
        ),
        (
            "host: 127.0.0.1:8081\r\norigin: http://127.0.0.1:8080\r\n",
            403,
        ),
        ("host: 127.0.0.1:8081\r\norigin: null\r\n", 403),
        ("origin: http://evil.example\r\n", 403),
    ];
    for (headers, expected) in table {
        assert_eq!(post(&panel, headers, down).0, expected, "{headers}");
    }
}

#[test]
fn the_panel_page_loads_nothing_else() {
    let (panel, _events) = panel();
    let response = panel.answer(&parse("GET / HTTP/1.1\r\n\r\n"));
    let page = String::from_utf8(response.body).unwrap();
    // Every mode has its button, and only the state is fetched.
    for mode in Mode::ALL {
        assert!(
            page.contains(&format!("data-mode=\"{}\"", mode.word())),
            "{mode:?}"
        );
    }
    for outside in ["http://", "https://", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}
