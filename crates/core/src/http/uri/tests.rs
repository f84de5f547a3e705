use super::*;

#[test]
fn hosts_lose_their_port() {
    for (authority, want) in [
        ("shop.example", "shop.example"),
        ("shop.example:8443", "shop.example"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]"),
        ("", ""),
    ] {
        assert_eq!(
            without_port(authority.as_bytes()),
            want.as_bytes(),
            "{authority}"
        );
    }
}

#[test]
fn paths_lose_their_query_and_fragment() {
    for (path, want) in [
        ("/pay?x=/other", "/pay"),
        ("/pay#x?y", "/pay"),
        ("/pay", "/pay"),
        ("?x", ""),
        ("", ""),
    ] {
        assert_eq!(without_query(path.as_bytes()), want.as_bytes(), "{path}");
    }
}
