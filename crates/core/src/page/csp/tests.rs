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
    assert!(own.starts_with("default-src 'none'; font-src data:; img-src data:;"));
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
