use super::*;

const DEFAULT: &str = r#"[2026-11-23T13:33:21.123Z] "POST /pay?x=1 HTTP/2" 503 UF,URX 17 91 250 - "203.0.113.7, 10.0.0.1" "curl/8.14.1" "3f1c-77" "shop.example:443" "10.0.0.7:8080""#;
const ISTIO: &str = r#"[2026-11-23T13:33:21.123Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} rbac_access_denied[no rule] "delayed connect error: Connection refused" 0 91 250 - "-" "a "quoted" agent" "3f1c-77" "shop.example" "10.0.0.7:8080" outbound|80||shop.default.svc.cluster.local 10.0.0.1:33 10.0.0.2:80 10.0.0.3:4 - my route"#;
const JSON: &str = r#"{"start_time":"2026-11-23T13:33:21.123Z","response_code":503,"response_flags":"UF","response_code_details":"x{\"y\"}","upstream_transport_failure_reason":"a \"b\"","duration":250,"bytes_sent":91,"authority":"shop.example","route_name":"shop","upstream_cluster":"app","upstream_host":"10.0.0.7:8080","request_id":"3f1c-77","tidegate_reason":"connection_refused","tidegate_breaker":"closed","tidegate_hint_ms":"1200","release":"v41","method":"GET","path":null,"more":{"a":[1,{"b":2}]},"other":[[]],"flag":true}"#;

fn read(line: &str) -> Entry<'_> {
    parse(line.as_bytes()).unwrap().unwrap()
}

/// The entry of all three lines.
fn expected() -> Entry<'static> {
    Entry {
        began_ms: 1_795_440_801_123,
        duration_ms: 250,
        status: 503,
        bytes_sent: 91,
        method: "GET".into(),
        flags: "UF".into(),
        authority: "shop.example".into(),
        host: "10.0.0.7:8080".into(),
        request_id: "3f1c-77".into(),
        ..Entry::default()
    }
}

#[test]
fn the_default_text_format_of_envoy_is_read() {
    let want = Entry {
        flags: "UF,URX".into(),
        authority: "shop.example:443".into(),
        path: "/pay?x=1".into(),
        method: "POST".into(),
        sends_body: true,
        ..expected()
    };
    assert_eq!(read(DEFAULT), want);
    assert_eq!(read(&format!("{DEFAULT}\r")), want);
}

#[test]
fn the_text_format_of_istio_is_read() {
    let refused = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
    let want = Entry {
        details: refused.into(),
        path: "/".into(),
        transport: "delayed connect error: Connection refused".into(),
        cluster: "outbound|80||shop.default.svc.cluster.local".into(),
        route: "my route".into(),
        ..expected()
    };
    assert_eq!(read(ISTIO), want);
}

#[test]
fn json_lines_are_read() {
    let want = Entry {
        details: "x{\"y\"}".into(),
        transport: "a \"b\"".into(),
        route: "shop".into(),
        cluster: "app".into(),
        reason: "connection_refused".into(),
        release: "v41".into(),
        ..expected()
    };
    assert_eq!(read(JSON), want);
    // Strings without escapes are borrowed.
    assert!(matches!(read(JSON).host, Cow::Borrowed(_)));
    // Envoy Gateway names two fields differently.
    let theirs = JSON.replace("\"authority\"", "\":authority\"");
    let theirs = theirs.replace("\"request_id\"", "\"x-request-id\"");
    assert_eq!(read(&theirs), want);
    for name in ["path", ":path", "x-envoy-origin-path"] {
        let with_path = JSON.replace(r#""path":null"#, &format!(r#""{name}":"/a?b""#));
        assert_eq!(read(&with_path).path, "/a?b", "{name}");
    }
}

#[test]
fn whether_a_request_has_a_body_is_known_by_its_method_or_size() {
    for (method, bytes, want) in [
        ("GET", 0, false),
        ("HEAD", 0, false),
        ("GET", 5, true),
        ("POST", 0, true),
        ("", 0, true),
    ] {
        assert_eq!(sends_body(method, bytes), want, "{method} {bytes}");
        let line = JSON.replace(r#""method":"GET""#, &format!(r#""method":"{method}""#));
        let line = line.replace(
            r#""bytes_sent""#,
            &format!(r#""bytes_received":{bytes},"bytes_sent""#),
        );
        assert_eq!(read(&line).sends_body, want, "{line}");
    }
    assert!(!read(&DEFAULT.replace("POST", "GET").replace(" 17 91 ", " 0 91 ")).sends_body);
}

#[test]
fn missing_values_are_empty() {
    let line = r#"[2026-11-23T13:33:21.123Z] "- - HTTP/1.1" 0 - 0 0 0 - "-" "-" "-" "-" "-""#;
    let want = Entry {
        began_ms: 1_795_440_801_123,
        sends_body: true,
        ..Entry::default()
    };
    assert_eq!(read(line), want);
    let line = r#"{"start_time":1795440801.123,"response_code":"0","duration":null,"upstream_host":"-","release":null}"#;
    assert_eq!(read(line), want);
}

/// Text that clients control does not affect other fields.
#[test]
fn clients_cannot_forge_fields() {
    for agent in [
        "x\" \"y",
        "\" \"forged\" \"evil.example\" \"1.2.3.4:5\"",
        "] \"",
        "\" 200 - 0 0 0",
        "",
    ] {
        let line = DEFAULT.replace("curl/8.14.1", agent);
        let want = Entry {
            flags: "UF,URX".into(),
            authority: "shop.example:443".into(),
            path: "/pay?x=1".into(),
            method: "POST".into(),
            sends_body: true,
            ..expected()
        };
        assert_eq!(read(&line), want, "{agent}");
    }
    let bytes = DEFAULT.replace("curl/8.14.1", "AGENT").into_bytes();
    let at = bytes.windows(5).position(|five| five == b"AGENT").unwrap();
    let mut bytes = bytes;
    bytes[at..at + 5].copy_from_slice(b"\xff\x00\xfe\x80\xc3");
    assert_eq!(
        parse(&bytes).unwrap().unwrap().authority,
        "shop.example:443"
    );
}

#[test]
fn errors_in_lines_are_described() {
    let known = [DEFAULT, JSON];
    let [text, json] = known.map(str::to_owned);
    for (line, want) in [
        ("Nov 23 envoy[1]: hello".to_owned(), "neither a JSON object nor a line in Envoy's or Istio's text format: no \"[\" at its start"),
        ("[2026-11-23 13:33:21.123][1][info][main] starting".to_owned(), "neither a JSON object nor a line in Envoy's or Istio's text format: no time in brackets, and request"),
        (text.replace("13:33", "13.33"), "found the time \"2026-11-23T13.33:21.123Z\"; allowed: one like 2026-11-23T13:33:21.123Z, or seconds since 1970"),
        (text.replace(" HTTP/2\"", "\""), "neither a JSON object nor a line in Envoy's or Istio's text format: no request of method, path and protocol"),
        (text.replace(" 503 ", " 5O3 "), "found the status \"5O3\"; allowed: 0 to 999"),
        (text[..69].to_owned(), "neither a JSON object nor a line in Envoy's or Istio's text format: no duration"),
        (text[..text.len() - 20].to_owned(), "neither a JSON object nor a line in Envoy's or Istio's text format: no \"request id\" \"authority\" \"upstream host\" at its end"),
        (json[..40].to_owned(), "not a JSON object: EOF while parsing an object at column 40"),
        (json.replace("start_time", "time"), "no field `start_time`"),
        (json.replace("response_code\"", "code\""), "no field `response_code`"),
        (json.replace("503,", "5030,"), "found the status \"5030\"; allowed: 0 to 999"),
        (json.replace("2026-11-23T", "23/Nov/2026 "), "found the time \"23/Nov/2026 13:33:21.123Z\"; allowed: one like 2026-11-23T13:33:21.123Z, or seconds since 1970"),
        (json.replace("\"2026-11-23T13:33:21.123Z\"", "1795440801123"), "found the time \"1795440801123\"; allowed: one like 2026-11-23T13:33:21.123Z, or seconds since 1970"),
    ] {
        let wrong = parse(line.as_bytes()).unwrap().unwrap_err();
        assert_eq!(wrong.to_string(), want, "{line}");
    }
    for blank in ["", "  ", "\r", "\t\r"] {
        assert_eq!(parse(blank.as_bytes()), None);
    }
}

/// Every line is either read or refused.
#[test]
fn any_line_can_be_read() {
    for line in [DEFAULT, ISTIO, JSON] {
        for end in 0..line.len() {
            let _ = parse(&line.as_bytes()[..end]);
            let _ = parse(&line.as_bytes()[end..]);
            for odd in [b'"', b' ', b'\\', b'[', 0xff, 0] {
                let mut bytes = line.as_bytes().to_vec();
                bytes[end] = odd;
                let _ = parse(&bytes);
            }
        }
    }
}
