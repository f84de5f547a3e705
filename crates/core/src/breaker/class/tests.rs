use super::*;

fn names(authority: &str, path: &str) -> Vec<String> {
    let class = PathClass::of_request(authority.as_bytes(), path.as_bytes());
    let prefix = |depth| class.prefix(depth).to_owned();
    (0..=class.depth()).map(prefix).collect()
}

#[test]
fn a_class_is_the_host_and_up_to_four_segments() {
    for (authority, path, expected) in [
        (
            "shop.example",
            "/",
            &["", "shop.example", "shop.example/"][..],
        ),
        (
            "Shop.Example:8443",
            "/?q=1",
            &["", "shop.example", "shop.example/"],
        ),
        ("a", "/users", &["", "a", "a/users", "a/users/"]),
        ("a", "/users/", &["", "a", "a/users", "a/users/"]),
        ("a", "/u/1?x=/y", &["", "a", "a/u", "a/u/1", "a/u/1/"]),
        (
            "a",
            "/1/2/3/4/5",
            &["", "a", "a/1", "a/1/2", "a/1/2/3", "a/1/2/3/4"],
        ),
        (
            "a",
            "/1/2/3/4",
            &["", "a", "a/1", "a/1/2", "a/1/2/3", "a/1/2/3/4"],
        ),
        ("a", "//x", &["", "a", "a/", "a//x", "a//x/"]),
        ("", "", &["", "-", "-/"]),
        ("[::1]:80", "*", &["", "[::1]", "[::1]/*", "[::1]/*/"]),
    ] {
        assert_eq!(names(authority, path), expected, "{authority}{path}");
    }
    assert_eq!(PathClass::ROUTE.depth(), 0);
    assert_eq!(PathClass::ROUTE.prefix(3), "");
}

#[test]
fn a_long_name_is_cut_within_its_component() {
    let path = format!("/{}/b", "é".repeat(150));
    let class = PathClass::of_request(b"a", path.as_bytes());
    assert_eq!(class.depth(), 2);
    assert!(class.prefix(2).len() <= MAX_BYTES);
    assert!(class.prefix(2).ends_with('é'));
}

#[test]
fn a_path_goes_on_until_its_last_segment() {
    let goes_on = |path: &str| {
        let class = PathClass::of_request(b"a", path.as_bytes());
        (1..=5)
            .map(|depth| class.goes_on(depth))
            .collect::<Vec<_>>()
    };
    assert_eq!(goes_on("/"), [false; 5]);
    assert_eq!(goes_on("/x"), [true, false, false, false, false]);
    assert_eq!(goes_on("/x/y/"), [true, true, false, false, false]);
    assert_eq!(goes_on("/1/2/3/4/5"), [true, true, true, true, false]);
}

#[test]
fn truncating_keeps_the_first_components() {
    let mut class = PathClass::of_request(b"a", b"/users/1");
    class.truncate(2);
    assert_eq!((class.depth(), class.prefix(5)), (2, "a/users"));
    class.truncate(0);
    assert_eq!(class, PathClass::ROUTE);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let class = PathClass::of_request(b"A\xff", b"/\xe2\x82/x\xf0?\xff");
    assert_eq!(class.prefix(MAX_DEPTH), "a\u{fffd}/\u{fffd}/x\u{fffd}/");
}

#[test]
fn a_class_set_to_a_request_is_the_class_of_that_request() {
    let requests = [
        ("shop.example", "/users/1/2/3/4/5".to_owned()),
        ("", String::new()),
        ("A", format!("/{}", "é".repeat(150))),
        ("a", "/x?y".to_owned()),
    ];
    let mut class = PathClass::default();
    for (authority, path) in requests.iter().chain(requests.iter().rev()) {
        class.set_to_request(authority.as_bytes(), path.as_bytes());
        let new = PathClass::of_request(authority.as_bytes(), path.as_bytes());
        assert_eq!(class, new, "{authority}{path}");
    }
}
