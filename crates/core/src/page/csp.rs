//! The Content-Security-Policy of an HTML page.
//!
//! The filter has no source of randomness, so there are no nonces: the page's own inline blocks are
//! allowed by their hashes, which are computed once, when the configuration is read (CSP Level 3
//! §2.3.1). Therefore no block may contain a value that differs from page to page; such values are in
//! `data-*` attributes.

#[cfg(test)]
mod tests;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use crate::config::{Csp, Security};

/// Returns the policy for a page with these inline styles and scripts, or `None` if no header is sent.
/// Only the operator's own pages (`is_own`) may contain fonts, sounds and films.
pub(super) fn policy(
    security: &Security,
    styles: &[&str],
    scripts: &[&str],
    is_own: bool,
) -> Option<String> {
    match &security.csp {
        Csp::Off => None,
        Csp::Custom(policy) => Some(policy.clone()),
        Csp::Auto => {
            let mut directives = vec!["default-src 'none'".to_owned()];
            if !styles.is_empty() {
                directives.push(format!("style-src {}", hashes(styles)));
            }
            if !scripts.is_empty() {
                directives.push(format!("script-src {}", hashes(scripts)));
                // A script may ask its own site whether it is back.
                directives.push("connect-src 'self'".to_owned());
            }
            if is_own {
                directives.push("font-src data:".to_owned());
            }
            directives.push("img-src data:".to_owned());
            if is_own {
                directives.push("media-src data:".to_owned());
            }
            directives.push("base-uri 'none'".to_owned());
            directives.push("form-action 'none'".to_owned());
            directives.push(format!("frame-ancestors {}", security.frame_ancestors));
            Some(directives.join("; "))
        }
    }
}

/// Returns the source expressions for these blocks.
fn hashes(blocks: &[&str]) -> String {
    let hashes = blocks.iter().map(|block| {
        let hash = STANDARD.encode(Sha256::digest(block));
        format!("'sha256-{hash}'")
    });
    hashes.collect::<Vec<_>>().join(" ")
}
