use super::*;
use crate::config::Config;

fn security(csp: Csp) -> Security {
    Security {
        csp,
        frame_ancestors: "'self' https://shop.example".to_owned(),
        ..Config::default().security
    }
}

#[test]
fn inline_blocks_are_allowed_by_their_hash() {
    // printf 'x' | openssl dgst -sha256 -binary | base64; and the same for 'y'.
    let x = "'sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE='";
    let y = "'sha256-ofzkNjhU/4iM/0uOeHXWAMJoI5BBKoz3mzfQsRFIsPo='";
    assert_eq!(
        policy(&security(Csp::Auto), &["x"], &["x", "y"], false).unwrap(),
        format!(
            "default-src 'none'; style-src {x}; script-src {x} {y}; connect-src 'self'; \
             img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'self' https://shop.example"
        )
    );
    let without_script = policy(&security(Csp::Auto), &["x"], &[], false).unwrap();
    let own = policy(&security(Csp::Auto), &[], &[], true).unwrap();
    assert!(own.starts_with("default-src 'none'; font-src data:; img-src data:; media-src data:;"));
    assert!(!without_script.contains("script-src") && !without_script.contains("connect-src"));
}

#[test]
fn the_operator_can_set_another_policy_or_none() {
    let custom = Csp::Custom("default-src 'self'".to_owned());
    assert_eq!(
        policy(&security(custom), &["x"], &[], false).unwrap(),
        "default-src 'self'"
    );
    assert_eq!(policy(&security(Csp::Off), &["x"], &[], false), None);
}

/// Whoever comes from HAProxy has pages with CR LF, and browsers hash LF (WHATWG HTML §13.2.3.5).
#[test]
fn a_page_has_the_same_policy_with_any_line_ends() {
    let policy = |newline: &str| {
        let html = "<!doctype html>\n<style>\nh1{color:red}\n</style>\n<script>\nx()\n</script>\n";
        let html = html.replace('\n', newline).replace("\r", "\\r");
        let json = format!(
            r#"{{"templates": {{"a": {{"html": "{}"}}}}, "pages": [{{"template": "a"}}]}}"#,
            html.replace('\n', "\\n")
        );
        let config = Config::from_json(json.as_bytes()).unwrap();
        let pages = crate::page::Pages::new(&config);
        let info = crate::page::tests::info(crate::http::format::Format::Html);
        pages.render(&info).csp.unwrap().to_owned()
    };
    // printf '\nh1{color:red}\n' | openssl dgst -sha256 -binary | base64; and the same for '\nx()\n'.
    let style = "wJKFNXAsdxFovYJ+MTC81mbQA3aCaH7bxO2uDdPMpnY=";
    let script = "F4wm3/HuV6MrPWziU0ZEzTNInvfl5dk7Nc+6nvtdZFo=";
    for newline in ["\n", "\r\n", "\r"] {
        let policy = policy(newline);
        let expected = format!("style-src 'sha256-{style}'; script-src 'sha256-{script}';");
        assert!(policy.contains(&expected), "{newline:?}: {policy}");
    }
}
