//! Answers that refuse a client: 401, 403 and 429.

use super::*;

/// The statuses with which clients are refused pass unless the configuration names them.
#[test]
fn refusals_are_replaced_where_the_configuration_names_them() {
    const NAMED: &str = r#"{"intercept":{"statuses":["5xx",401,403,429]}}"#;
    const AUTHZ: &[u8] = b"ext_authz_error";
    for (status, details, reason, page_status, is_retryable) in [
        (429, VIA, "rate_limited", 429, true),
        (429, b"local_rate_limited", "rate_limited", 429, true),
        (401, VIA, "unauthorized", 401, false),
        (
            403,
            b"rbac_access_denied_matched_policy[none]",
            "forbidden",
            403,
            false,
        ),
        (403, AUTHZ, "authorization_unavailable", 503, true),
    ] {
        assert!(get("{}", status, false, details).passes(), "{status}");
        let mut case = get(NAMED, status, false, details);
        assert_eq!(case.state("tidegate.reason"), Some(reason));
        let page_status = page_status.to_string();
        let headers = case.replaced_headers();
        assert_eq!(headers.get(":status"), Some(page_status.as_bytes()));
        assert_eq!(
            headers.get("retry-after").is_some(),
            is_retryable,
            "{reason}"
        );
        assert!(!case.filter.verdict.unwrap().is_bad(), "{reason}");
        let page = case.page();
        let has_script = String::from_utf8(page).unwrap().contains("<script>");
        assert_eq!(has_script, is_retryable, "{reason}");
    }
    // A service that fails is a failure by default, if the filter says so.
    let case = get("{}", 503, false, AUTHZ);
    assert_eq!(
        case.state("tidegate.reason"),
        Some("authorization_unavailable")
    );
}

#[test]
fn a_client_error_blames_nobody_and_retries_only_if_it_invites_to() {
    const NAMED: &str = r#"{"intercept":{"statuses":["4xx","5xx"]}}"#;
    let lost = "This address does not lead anywhere on this site.";
    let refused = "The site did not accept this request.";
    let check = "Please check the address and what you entered, or contact us.";
    for (status, title, message, next, is_retryable) in [
        (400, "That didn’t work", refused, check, false),
        (
            404,
            "We can’t find that page",
            lost,
            "for a typing mistake.",
            false,
        ),
        (
            410,
            "We can’t find that page",
            lost,
            "for a typing mistake.",
            false,
        ),
        (413, "That didn’t work", refused, check, false),
        (422, "That didn’t work", refused, check, false),
        (
            408,
            "That didn’t work",
            refused,
            "usually pass by themselves.",
            true,
        ),
        (
            425,
            "That didn’t work",
            refused,
            "usually pass by themselves.",
            true,
        ),
    ] {
        let mut case = get(NAMED, status, false, VIA);
        assert_eq!(case.state("tidegate.reason"), Some("client_error"));
        let hint = case.replaced_headers().get("retry-after").is_some();
        assert_eq!(hint, is_retryable, "{status}");
        let page = String::from_utf8(case.page()).unwrap();
        for text in [title, message, next, "client_error"] {
            assert!(page.contains(text), "{status} {text}: {page}");
        }
        for text in ["our side", "We have to fix"] {
            assert!(!page.contains(text), "{status} {text}");
        }
        assert_eq!(page.contains("<script>"), is_retryable, "{status}");
        let hints = case.world.metric("tidegate.hints_given.route.shop/app");
        assert_eq!(hints, u64::from(is_retryable), "{status}");
    }
}

#[test]
fn a_refusal_keeps_what_the_client_needs() {
    let headers = [
        ("retry-after", "2"),
        ("www-authenticate", "Bearer"),
        ("x-ratelimit-reset", "2"),
        LENGTH,
    ];
    let json = r#"{"intercept":{"statuses":[401,429]}}"#;
    for status in [401, 429] {
        let case = Case::new(json, request("GET", &[]), (status, false), VIA, &headers);
        let replaced = case.replaced_headers();
        let challenge = (status == 401).then_some(&b"Bearer"[..]);
        assert_eq!(replaced.get("www-authenticate"), challenge);
        assert_eq!(replaced.get("x-ratelimit-reset"), Some(&b"2"[..]));
        let again = (status == 429).then_some(&b"2"[..]);
        assert_eq!(replaced.get("retry-after"), again, "{status}");
    }
}
