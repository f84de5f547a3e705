use super::*;

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn members_of_others_lose_what_names_hosts() {
    for (value, want) in [
        ("inner; error=dns_error", "inner; error=dns_error"),
        (
            "inner; error=connection_refused; next-hop=\"10.0.3.7:8080\"; received-status=502",
            "inner; error=connection_refused; received-status=502",
        ),
        (
            r#"a; details="10.0.3.7, \"db\"; x", "b; c"; Details=d;error=e"#,
            r#"a, "b; c";error=e"#,
        ),
        ("details; error=e", "details; error=e"),
        ("a; next-hop", "a"),
        ("", ""),
    ] {
        assert_eq!(text(public_proxy_status(value.as_bytes())), want);
    }
}

#[test]
fn a_string_without_an_end_swallows_nothing() {
    for value in [r#"a; details="b"#, r#"a; details="b\""#, r#"a, ""#] {
        assert_eq!(text(public_proxy_status(value.as_bytes())), "");
        assert!(!strings_end(value.as_bytes()));
    }
    assert!(strings_end(br#"a; details="\"", b"#));
}

#[test]
fn via_keeps_pseudonyms_only() {
    for (value, want) in [
        ("1.1 edge, 1.0 fred", "1.1 edge, 1.0 fred"),
        ("1.1 edge (Apache/2.4 (Unix, \\) x))", "1.1 edge"),
        ("HTTP/2.0 db.internal, 1.1 vegur", "1.1 vegur"),
        ("1.1 10.0.3.7:8080 (squid/4.1), 1.1 [fd00::1]", ""),
        ("1.1 gate:80", ""),
        ("1.1 edge (no end, 1.1 a", "1.1 edge"),
        (" , ", ""),
    ] {
        assert_eq!(text(public_via(value.as_bytes())), want, "{value}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_is_added(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
        proptest::prop_assert!(public_proxy_status(&value).len() <= value.len());
        // A list may be written without blanks.
        let blanks = value.iter().filter(|byte| **byte == b',').count();
        proptest::prop_assert!(public_via(&value).len() <= value.len() + blanks);
    }
}
