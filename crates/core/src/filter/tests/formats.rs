//! Which format a route's pages have.

use super::*;

/// The content type of the page for a failure with a body, for a client that accepts HTML.
fn content_type(json: &str, path: &str, more: &[(&str, &str)]) -> String {
    let mut headers = vec![
        (":method", "GET"),
        (":authority", "shop.example"),
        (":path", path),
        ("accept", "text/html,*/*;q=0.8"),
    ];
    headers.extend_from_slice(more);
    let request = HeaderBlock::from_pairs(&headers);
    let case = Case::new(json, request, (503, false), REFUSED, &[LENGTH]);
    let content_type = case.replaced_headers().get("content-type");
    String::from_utf8(content_type.unwrap_or(b"none").to_vec()).unwrap()
}

const HTML: &str = "text/html; charset=utf-8";
const PROBLEM: &str = "application/problem+json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

#[test]
fn a_route_has_a_format_of_its_own_whatever_the_client_accepts() {
    let json = r#"{"routes":[
        {"name":"api","match":{"path_prefix":"/api/"},"formats":{"always":"problem"}}
    ]}"#;
    assert_eq!(content_type(json, "/api/orders", &[]), PROBLEM);
    let navigation = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(content_type(json, "/api/orders", &navigation), PROBLEM);
    assert_eq!(content_type(json, "/shop", &[]), HTML);
    let image = [("sec-fetch-dest", "image")];
    assert_eq!(content_type(json, "/api/orders", &image), "none");
}

#[test]
fn a_route_inherits_and_overrides_single_keys_of_the_formats() {
    let json = r#"{
        "formats":{"always":"text","cli_agents":["mine/"],"problem_type_base":"https://e.example/"},
        "routes":[
            {"name":"site","match":{"path_prefix":"/site"},"formats":{"always":null}},
            {"name":"api","match":{"path_prefix":"/api"},"formats":{"always":"problem","problem_type_base":"https://api.example/"}}
        ]
    }"#;
    assert_eq!(content_type(json, "/", &[]), TEXT);
    assert_eq!(content_type(json, "/site", &[]), HTML);
    assert_eq!(content_type(json, "/api", &[]), PROBLEM);
    let config = Config::from_json(json.as_bytes()).unwrap();
    let [site, api] = [0, 1].map(|rule: usize| &config.routes[rule].policy.formats);
    assert_eq!(site.cli_agents, ["mine/"]);
    assert_eq!(site.problem_type_base, "https://e.example/");
    assert_eq!(api.problem_type_base, "https://api.example/");
}

#[test]
fn the_default_format_of_a_route_is_for_clients_without_a_preference() {
    let json = r#"{"routes":[{"name":"api","match":{"path_prefix":"/api"},"formats":{"default":"problem"}}]}"#;
    let plain = |path: &str| {
        let headers = [(":method", "GET"), (":authority", "a"), (":path", path)];
        let request = HeaderBlock::from_pairs(&headers);
        let case = Case::new(json, request, (503, false), REFUSED, &[LENGTH]);
        let kind = case.replaced_headers().get("content-type").unwrap();
        String::from_utf8(kind.to_vec()).unwrap()
    };
    assert_eq!(plain("/api"), PROBLEM);
    assert_eq!(plain("/"), TEXT);
    assert_eq!(content_type(json, "/api", &[]), HTML, "what it accepts");
}

#[test]
fn the_type_of_a_problem_is_that_of_its_route() {
    let json = r#"{"routes":[{"name":"api","formats":{"always":"problem","problem_type_base":"https://api.example/"}}]}"#;
    let mut case = get(json, 503, false, REFUSED);
    let page = String::from_utf8(case.page()).unwrap();
    let start = "{\"type\":\"https://api.example/connection_refused\",";
    assert!(page.starts_with(start), "{page}");
}

#[test]
fn a_rejection_has_the_format_of_its_route() {
    let json = r#"{"routes":[{"name":"api","maintenance":true,"formats":{"always":"problem"}}]}"#;
    let (_, action) = World::new(json).begin_with(request("GET", &[]));
    let RequestAction::SendLocalReply(reply) = action else {
        panic!("{action:?}");
    };
    assert!(reply.body.starts_with(b"{\"type\":"));
}
