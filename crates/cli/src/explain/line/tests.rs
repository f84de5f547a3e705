use super::*;

const DEFAULT: &str = r#"[2026-11-23T13:33:21.123Z] "POST /pay?x=1 HTTP/2" 503 UF,URX 17 91 250 - "203.0.113.7, 10.0.0.1" "curl/8.14.1" "3f1c-77" "shop.example:443" "10.0.0.7:8080""#;
const ISTIO: &str = r#"[2026-11-23T13:33:21.123Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} no_rule "delayed connect error: Connection refused" 0 91 250 - "-" "a "quoted" agent" "3f1c-77" "shop.example" "10.0.0.7:8080" outbound|80||shop.default.svc.cluster.local 10.0.0.1:33 10.0.0.2:80 10.0.0.3:4 - default"#;
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
        route: "default".into(),
        ..expected()
    };
    assert_eq!(read(ISTIO), want);
    // Up to Istio 1.2 there is no route.
    let want = Entry {
        route: "".into(),
        ..want
    };
    assert_eq!(read(ISTIO.strip_suffix(" default").unwrap()), want);
    // Up to Istio 1.8 there is the status of Mixer, and there are no details.
    let (before, rest) = ISTIO.split_once(" upstream_reset").unwrap();
    let (_, after) = rest.split_once(" no_rule ").unwrap();
    let want = Entry {
        details: "".into(),
        route: "default".into(),
        ..want
    };
    assert_eq!(read(&format!("{before} \"-\" {after}")), want);
}

/// Early Envoys do not replace the blanks in their details.
#[test]
fn details_with_blanks_are_read() {
    for (written, details) in [
        ("upstream_reset_before_response_started{connection failure,TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED} -", "upstream_reset_before_response_started{connection failure,TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED}"),
        ("upstream_reset_before_response_started{connection failure,delayed connect error: 111} -", "upstream_reset_before_response_started{connection failure,delayed connect error: 111}"),
        ("a{b} rbac_access_denied[no rule]", "a{b}"),
        ("a{b -", "a{b"),
        ("- -", ""),
    ] {
        let (before, rest) = ISTIO.split_once("upstream_reset").unwrap();
        let (_, after) = rest.split_once(" no_rule ").unwrap();
        let line = format!("{before}{written} {after}");
        let entry = read(&line);
        assert_eq!((&*entry.details, &*entry.host), (details, "10.0.0.7:8080"), "{line}");
    }
}

/// What operators append to Istio's format differs in each line.
#[test]
fn what_follows_the_name_of_a_route_is_not_its_name() {
    for appended in [
        "traceID=4bf92f3577b34da6a3ce929d0e0e4736",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "-",
        "GET user 7",
        "\"4bf92f\"",
        "\"-\" \"x y\" 7",
        "{\"trace\": \"4bf9\"}",
    ] {
        let line = format!("{ISTIO} {appended}");
        let want = Entry {
            has_more: true,
            ..read(ISTIO)
        };
        assert_eq!(read(&line), want, "{line}");
    }
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
        (text.replace("13:33", "13.33"), "found the time \"2026-11-23T13.33:21.123Z\"; allowed: one like 2026-11-23T13:33:21.123Z or 2026-11-23T13:33:21+01:00, or a number since 1970"),
        (text.replace(" HTTP/2\"", "\""), "neither a JSON object nor a line in Envoy's or Istio's text format: no request of method, path and protocol"),
        (text.replace(" 503 ", " 5O3 "), "found the status \"5O3\"; allowed: 0 to 999"),
        (text[..69].to_owned(), "neither a JSON object nor a line in Envoy's or Istio's text format: no duration"),
        (text[..text.len() - 20].to_owned(), "neither a JSON object nor a line in Envoy's or Istio's text format: no \"request id\" \"authority\" \"upstream host\" at its end"),
        (json[..40].to_owned(), "not a JSON object: EOF while parsing an object at column 40"),
        (json.replace("start_time", "when"), "no field `start_time`"),
        (json.replace("response_code\"", "code\""), "no field `response_code`"),
        (json.replace("503,", "5030,"), "found the status \"5030\"; allowed: 0 to 999"),
        (json.replace("2026-11-23T", "23/Nov/2026 "), "found the time \"23/Nov/2026 13:33:21.123Z\"; allowed: one like 2026-11-23T13:33:21.123Z or 2026-11-23T13:33:21+01:00, or a number since 1970"),
        (json.replace("\"2026-11-23T13:33:21.123Z\"", "-1"), "found the time \"-1\"; allowed: one like 2026-11-23T13:33:21.123Z or 2026-11-23T13:33:21+01:00, or a number since 1970"),
    ] {
        let wrong = parse(line.as_bytes()).unwrap().unwrap_err();
        assert_eq!(wrong.to_string(), want, "{line}");
    }
    let long = format!("{{\"log\":\"{}\"}}", "x".repeat(20_000));
    let cri = format!("2026-11-23T13:33:21.123456789Z stdout P {}", &text[..90]);
    for (line, want) in [
        (long, "found a part of a line of more than 16 KiB, which the container runtime has cut; allowed: whole lines, as `kubectl logs` prints them"),
        (cri, "found a part of a line of more than 16 KiB, which the container runtime has cut; allowed: whole lines, as `kubectl logs` prints them"),
        ("[".to_owned(), "found JSON over several lines; allowed: one object a line (`jq -c '.[]'` for a list, `jq -c .` for objects)"),
        ("{ ".to_owned(), "found JSON over several lines; allowed: one object a line (`jq -c '.[]'` for a list, `jq -c .` for objects)"),
        (format!("2026-11-23T13:33:21Z {{app=\"envoy\"}} {text}"), "found something unknown in front of the line; allowed: the line as Envoy wrote it (`sed 's/^[^[]*//'` removes what is before the first bracket)"),
    ] {
        let wrong = parse(line.as_bytes()).unwrap().unwrap_err();
        assert_eq!(wrong.to_string(), want, "{line}");
    }
    for blank in ["", "  ", "\r", "\t\r", "\u{feff}"] {
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

#[test]
fn times_are_read_in_any_zone_and_unit() {
    for text in [
        "2026-11-23T13:33:21.123Z",
        "2026-11-23T13:33:21.123456789Z",
        "2026-11-23T13:33:21.123",
        "2026-11-23T13:33:21.123+0000",
        "2026-11-23T15:33:21.123+02:00",
        "2026-11-23T15:33:21.123+02",
        "2026-11-23T08:03:21.123-0530",
        "1795440801.123",
        "1795440801123",
        "1795440801123456",
        "1795440801123456789",
    ] {
        let ms = time_ms(text).unwrap();
        assert!(ms.abs_diff(1_795_440_801_123) <= 1, "{text}: {ms}");
    }
    for text in [
        "",
        "-",
        "now",
        "-1",
        "inf",
        "nan",
        "2026-11-23T",
        "2026-11-23T13:33:21+",
        "2026-11-23T13:33:21+0x:00",
        "2026-11-23T13:33:21+100000",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
    ] {
        assert!(time_ms(text).is_err(), "{text}");
    }
}

/// Text that a client has sent is in quotes, also in the formats that are not read.
#[test]
fn a_line_in_the_quotes_of_another_is_not_read() {
    let forged = DEFAULT.replace('"', "\\\"");
    for line in [
        format!("GET / 200 \"{DEFAULT}\""),
        format!("2026-11-23T13:33:21.123Z 200 \"{forged}\""),
        format!("GET /{DEFAULT}"),
        format!("{} {DEFAULT}", "x".repeat(600)),
    ] {
        assert!(parse(line.as_bytes()).unwrap().is_err(), "{line}");
    }
}

/// Fields of a collector and of a request can have the same names.
#[test]
fn fields_that_are_known_stay_known() {
    let both = JSON.replace(
        r#""request_id":"3f1c-77""#,
        r#""request_id":"3f1c-77","x-request-id":"-""#,
    );
    assert_eq!(read(&both).request_id, "3f1c-77");
    let both = JSON.replace(
        r#""request_id":"3f1c-77""#,
        r#""x-request-id":"3f1c-77","request_id":"-""#,
    );
    assert_eq!(read(&both).request_id, "3f1c-77");
    // The request began before the collector saw its line.
    let later = JSON.replacen('{', r#"{"@timestamp":"2026-11-23T14:00:00Z","time":1,"#, 1);
    assert_eq!(read(&later).began_ms, expected().began_ms);
    // A field of the operator's own, and no collector's.
    let message = JSON.replace("{\"start", r#"{"message":"[a] \"b\"","log":{},"start"#);
    assert_eq!(read(&message), read(JSON));
    let of_contour = JSON
        .replace("start_time", "@timestamp")
        .replace("response_code\"", "status\"");
    assert_eq!(read(&of_contour), read(JSON));
    let message = of_contour.replace("{\"@", r#"{"message":"request","@"#);
    assert_eq!(read(&message), read(JSON));
}
