use super::*;
use proptest::prelude::*;

fn error(bytes: &[u8]) -> String {
    Json::parse(bytes).unwrap_err().to_string()
}

#[test]
fn keys_keep_their_order_and_repetitions() {
    let json = Json::parse(br#"{"b": 1, "a": [], "b": null}"#).unwrap();
    let keys: Vec<_> = json.entries().iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["b", "a", "b"]);
}

#[test]
fn whole_numbers_are_whole_in_any_notation() {
    for (text, expected) in [
        ("502", Json::Whole(502)),
        ("502.0", Json::Whole(502)),
        ("5.02e2", Json::Whole(502)),
        ("-0.0", Json::Whole(0)),
        ("-3", Json::Whole(-3)),
        ("0.5", Json::Number(0.5)),
        ("1e300", Json::Number(1e300)),
        ("9007199254740992.0", Json::Whole(9_007_199_254_740_992)),
        ("9007199254740994.0", Json::Number(9_007_199_254_740_994.0)),
        ("9223372036854775807", Json::Whole(i64::MAX)),
        ("-9223372036854775808", Json::Whole(i64::MIN)),
        (
            "18446744073709551615",
            Json::Number(18_446_744_073_709_551_615.0),
        ),
    ] {
        assert_eq!(Json::parse(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn escapes_are_read() {
    let text = r#""x\u00e9\ud83d\ude00\n\/\\\b\f\r\t\"""#;
    let expected = Json::String("xé😀\n/\\\u{8}\u{c}\r\t\"".to_owned());
    assert_eq!(Json::parse(text.as_bytes()), Ok(expected));
}

#[test]
fn mistakes_have_their_position() {
    for (bytes, expected) in [
        (&b""[..], "line 1, column 0: not JSON: EOF while parsing a value"),
        (b"nul", "line 1, column 3: not JSON: EOF while parsing a value"),
        (b"nulx", "line 1, column 4: not JSON: expected ident"),
        (b"[1 2]", "line 1, column 4: not JSON: expected `,` or `]`"),
        (b"[1,]", "line 1, column 4: not JSON: trailing comma"),
        (b"{\"a\":1,\n}", "line 2, column 1: not JSON: trailing comma"),
        (b"{1", "line 1, column 2: not JSON: key must be a string"),
        (b"{\"a\" 1}", "line 1, column 6: not JSON: expected `:`"),
        (b"{\"a\":1", "line 1, column 6: not JSON: EOF while parsing an object"),
        (b"1 2", "line 1, column 3: not JSON: trailing characters"),
        (b"01", "line 1, column 2: not JSON: invalid number"),
        (b"1e309", "line 1, column 5: not JSON: number out of range"),
        (b"\"a", "line 1, column 2: not JSON: EOF while parsing a string"),
        (
            b"\"a\nb\"",
            "line 2, column 0: not JSON: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        (b"\"\\x\"", "line 1, column 3: not JSON: invalid escape"),
        (
            b"\"\\ud800\"",
            "line 1, column 8: not JSON: unexpected end of hex escape",
        ),
        (b"\"a\xffb\"", "line 1, column 3: not JSON: invalid unicode code point"),
    ] {
        assert_eq!(error(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn a_byte_order_mark_is_refused_by_name() {
    assert_eq!(
        error(b"\xef\xbb\xbf{}"),
        "line 1, column 1: not JSON: a byte order mark at the beginning (save the file as UTF-8 without one)"
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(Json::parse(nested(127).as_bytes()).is_ok());
    for depth in [128, 100_000] {
        let expected = "line 1, column 128: not JSON: recursion limit exceeded";
        assert_eq!(error(nested(depth).as_bytes()), expected);
    }
}

/// Any JSON without fractions.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Whole),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            proptest::collection::vec((any::<String>(), inner), 0..5).prop_map(Json::Object),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(json in any_json()) {
        prop_assert_eq!(Json::parse(json.to_string().as_bytes()), Ok(json));
    }
}

/// Envoy 1.40 hands over a `Struct` as it is serialized, here `{ mode: "off" }`.
#[test]
fn a_struct_of_envoy_is_named() {
    let message = b"\n\x0d\n\x04mode\x12\x05\x1a\x03off";
    let error = Json::parse(message).unwrap_err().to_string();
    let expected =
        "line 1, column 1: not JSON: a protobuf message, which Envoy makes of a `Struct` \
                    (allowed: JSON in a `StringValue`)";
    assert_eq!(error, expected);
    let error = Json::parse(b"\n{").unwrap_err().to_string();
    assert_eq!(
        error,
        "line 2, column 1: not JSON: EOF while parsing an object"
    );
}
