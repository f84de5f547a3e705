//! Which rule of `routes` a request falls under: the first that matches.
//!
//! What a rule asks of the Envoy route is the same for all its requests. So the first rule that can match
//! at all is looked for once for each route, and most often it is the one.

use core::cell::RefCell;

use crate::config::RouteRule;
use crate::gate::{without_port, without_query, RouteFacts};
use crate::hash;
use crate::headers::HeaderBlock;
use crate::prelude::*;

/// Envoy routes that are remembered, at most; two that would have the same place have it by turns.
const PLACES: usize = 512;

/// The Envoy routes that were asked for: the hash of their names, 0 of none, and the number of the first
/// rule that can match. (The names are the operator's: nobody makes two with the same 64 bits.)
#[derive(Debug, Default)]
pub(crate) struct Rules(RefCell<Vec<(u64, usize)>>);

impl Rules {
    /// Number of the first rule of `routes` (always the same) that matches.
    pub(crate) fn first(
        &self,
        routes: &[RouteRule],
        facts: &RouteFacts,
        request: &HeaderBlock,
    ) -> Option<usize> {
        if routes.is_empty() {
            return None;
        }
        let name = facts.name();
        let can_match = |rule: &RouteRule| {
            let wanted = &rule.matches;
            wanted.route.matches(name)
                && wanted.virtual_host.matches(&facts.virtual_host)
                && wanted.cluster.matches(&facts.cluster)
        };
        let host = without_port(request.get(":authority").unwrap_or_default());
        let path = without_query(request.get(":path").unwrap_or_default());
        let mut at = self.remembered(facts, &|| {
            routes.iter().position(can_match).unwrap_or(routes.len())
        });
        loop {
            let rule = routes.get(at)?;
            // What tells most rules apart comes first.
            if path.starts_with(rule.matches.path_prefix.as_bytes())
                && rule.matches.host.matches_ignore_case(host)
                && can_match(rule)
            {
                return Some(at);
            }
            at = at.wrapping_add(1);
        }
    }

    /// What `find` says of a route, found once.
    fn remembered(&self, facts: &RouteFacts, find: &dyn Fn() -> usize) -> usize {
        let [name, virtual_host, cluster] =
            [facts.name(), &facts.virtual_host, &facts.cluster].map(hash::of_bytes);
        // Turned, so that two with the same text do not cancel out.
        let hash = (name ^ virtual_host.rotate_left(21) ^ cluster.rotate_left(42)) | 1;
        // Nobody else has them: nothing here asks anybody.
        let Ok(mut places) = self.0.try_borrow_mut() else {
            return 0;
        };
        if places.is_empty() {
            places.resize(PLACES, (0, 0));
        }
        let place = places.get_mut((hash as usize) & (PLACES - 1));
        match place {
            Some((other, at)) if *other == hash => *at,
            Some(place) => {
                *place = (hash, find());
                place.1
            }
            None => 0,
        }
    }
}
