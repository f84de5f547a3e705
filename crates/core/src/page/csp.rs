//! The Content-Security-Policy of an HTML page.
//!
//! The module has no randomness, so no nonces: the page's own inline blocks are allowed by their
//! hashes, computed once, at configuration (CSP Level 3 §2.3.1). Hence no block may hold anything
//! that differs from answer to answer; such values travel in `data-*` attributes.

use super::base64;
use crate::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::config::{Csp, Security};

/// The header for a page with these inline styles and scripts; `None`: no header is sent. A page of
/// the operator's own may bring fonts along.
pub(super) fn policy(
    security: &Security,
    styles: &[&[u8]],
    scripts: &[&[u8]],
    is_own: bool,
) -> Option<String> {
    match &security.csp {
        Csp::Off => None,
        Csp::Custom(policy) => Some(policy.clone()),
        Csp::Auto => {
            let mut policy = String::from("default-src 'none'");
            hashes(&mut policy, "; style-src", styles);
            hashes(&mut policy, "; script-src", scripts);
            if !scripts.is_empty() {
                // A script may ask its own site whether it is back.
                policy.push_str("; connect-src 'self'");
            }
            if is_own {
                policy.push_str("; font-src data:");
            }
            policy
                .push_str("; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors ");
            policy.push_str(&security.frame_ancestors);
            Some(policy)
        }
    }
}

fn hashes(policy: &mut String, directive: &str, blocks: &[&[u8]]) {
    if blocks.is_empty() {
        return;
    }
    policy.push_str(directive);
    for block in blocks {
        policy.push_str(" 'sha256-");
        policy.push_str(&base64::padded(&Sha256::digest(block)));
        policy.push('\'');
    }
}

#[cfg(test)]
mod tests {
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
        // printf 'x' | openssl dgst -sha256 -binary | base64; the same of 'y'.
        let x = "'sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE='";
        let y = "'sha256-ofzkNjhU/4iM/0uOeHXWAMJoI5BBKoz3mzfQsRFIsPo='";
        assert_eq!(
            policy(&security(Csp::Auto), &[b"x"], &[b"x", b"y"], false).unwrap(),
            format!(
                "default-src 'none'; style-src {x}; script-src {x} {y}; connect-src 'self'; \
                 img-src data:; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'self' https://shop.example"
            )
        );
        let without_script = policy(&security(Csp::Auto), &[b"x"], &[], false).unwrap();
        let own = policy(&security(Csp::Auto), &[], &[], true).unwrap();
        assert!(own.starts_with("default-src 'none'; font-src data:; img-src data:;"));
        assert!(!without_script.contains("script-src") && !without_script.contains("connect-src"));
    }

    #[test]
    fn the_operator_may_choose_another_or_none() {
        let custom = Csp::Custom("default-src 'self'".to_owned());
        assert_eq!(
            policy(&security(custom), &[b"x"], &[], false).unwrap(),
            "default-src 'self'"
        );
        assert_eq!(policy(&security(Csp::Off), &[b"x"], &[], false), None);
    }
}
