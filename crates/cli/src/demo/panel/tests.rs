use std::sync::mpsc;

use super::*;
use crate::http::parse;

fn panel() -> (Panel, mpsc::Receiver<Event>) {
    let (events, received) = mpsc::channel();
    let panel = Panel {
        site: Arc::new(Site::start().unwrap()),
        counts: Arc::new(Mutex::new(Counts {
            served: 3,
            failed: 2,
        })),
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
        assert!(error.contains("fine, down, slow, 502, flapping"), "{error}");
    }
    assert_eq!(panel.site.state().mode, Mode::Fine);
    assert!(events.try_recv().is_err());
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
