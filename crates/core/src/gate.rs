//! A configuration, made ready to serve; and which of its policies a request has.

use crate::breaker::Bank;
use crate::config::{
    BreakerMode, Config, Ends, Maintenance, Mode, Policy, RouteMatch, RouteMetadata, RouteRule,
};
use crate::hash;
use crate::headers::HeaderBlock;
use crate::millis::{millis, times};
use crate::page::Pages;
use crate::prelude::*;
use crate::statuses::StatusSet;
use crate::text::lossy;

/// In the place of the hash of a name: any name may match. (What has this hash by chance has a look too much.)
const SOME_ROUTES: u64 = 0;

/// A configuration, made ready to serve.
#[derive(Debug)]
pub struct Gate {
    /// What it was made from.
    pub(crate) config: Config,
    /// Its pages.
    pub(crate) pages: Pages,
    /// Statuses that some policy does something about.
    interesting: StatusSet,
    always_looks_up: bool,
    names_virtual_hosts: bool,
    slow_ms: Option<u64>,
    /// Of each rule the hash of the name of its route, or [`SOME_ROUTES`]; and what else tells at a glance
    /// that it does not match. Most rules need no further look.
    names: Vec<u64>,
    glances: Vec<Glance>,
}

/// What Envoy says about the route of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteFacts {
    /// `xds.route_name`; empty: none.
    pub route: Vec<u8>,
    /// `xds.virtual_host_name`; not needed unless [`Gate::needs_virtual_host`].
    pub virtual_host: Vec<u8>,
    /// `xds.cluster_name`: the one chosen for this request; empty: none.
    pub cluster: Vec<u8>,
    /// `metadata.filter_metadata.tidegate` of the route: names and texts.
    pub metadata: HeaderBlock,
}

impl RouteFacts {
    /// The name of the route: its own, or that of its virtual host where it has none.
    pub fn name(&self) -> &[u8] {
        if is_unnamed(&self.route) {
            &self.virtual_host
        } else {
            &self.route
        }
    }
}

/// Istio calls unnamed routes "default".
fn is_unnamed(route: &[u8]) -> bool {
    matches!(route, b"" | b"default")
}

/// The policy of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Number of the policy: 0 is that of the top level, `n` that of `routes[n - 1]`.
    pub policy: usize,
    /// What the filter does for this route.
    pub mode: Mode,
    /// Key of the route's breaker.
    pub key: String,
    /// Number of the template that the route asks for.
    pub page: Option<usize>,
    /// Name of the Envoy route, where some rule of `pages` asks for it.
    pub route: Vec<u8>,
    /// Whether the metadata of the route name a policy or a page that is not there.
    pub has_unknown_name: bool,
}

impl Gate {
    /// Makes `config` ready.
    pub fn new(mut config: Config) -> Self {
        let pages = Pages::new(&config);
        // The pages have what they need of these, and every worker has a copy.
        config.templates = Vec::new();
        config.vars = Vec::new();
        config.locales.strings = Vec::new();
        let mut interesting = StatusSet::empty();
        // A 429 says that the upstream has too much to do.
        interesting.insert_range(429, 429);
        let mut always_looks_up = config.route_metadata == RouteMetadata::Always;
        let mut slow_ms: Option<u64> = None;
        for policy in policies(&config) {
            interesting.insert_all(&policy.intercept.statuses);
            let breaker = &policy.breaker;
            always_looks_up |= breaker.mode == BreakerMode::ForcedOpen;
            if breaker.mode != BreakerMode::Disabled {
                interesting.insert_all(&breaker.failures.statuses);
                if let Some(slow) = breaker.failures.slow.map(millis) {
                    slow_ms = Some(slow_ms.unwrap_or(slow).min(slow));
                }
            }
        }
        let mut names_virtual_hosts = false;
        let (mut names, mut glances) = (Vec::new(), Vec::new());
        for rule in &config.routes {
            always_looks_up |= rule.maintenance.is_some();
            names_virtual_hosts |= !rule.matches.virtual_host.is_any();
            let name = rule.matches.route.as_str();
            names.push(match name.bytes().any(|byte| byte == b'*') {
                true => SOME_ROUTES,
                false => hash::of(name),
            });
            glances.push(Glance::of(&rule.matches));
        }
        Self {
            config,
            pages,
            interesting,
            always_looks_up,
            names_virtual_hosts,
            slow_ms,
            names,
            glances,
        }
    }

    /// What it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether requests need an exchange at all.
    pub fn is_off(&self) -> bool {
        self.config.mode == Mode::Off && self.config.routes.iter().all(|r| r.mode == Mode::Off)
    }

    /// Whether the route of every request must be known before it passes.
    pub fn always_looks_up(&self) -> bool {
        self.always_looks_up
    }

    /// Whether the virtual host of a request must be known: where its route has no name of its own, or
    /// some rule asks for it.
    pub fn needs_virtual_host(&self, route: &[u8]) -> bool {
        self.names_virtual_hosts || is_unnamed(route)
    }

    /// The least time that some policy calls slow, in milliseconds; `None`: the time of a request
    /// does not matter, and nobody needs to ask for it.
    pub fn slow_ms(&self) -> Option<u64> {
        self.slow_ms
    }

    /// Whether any policy does something about `status`.
    pub fn is_interesting(&self, status: u16) -> bool {
        self.interesting.contains(status)
    }

    /// The breakers of this configuration, for the plugin of this name.
    pub fn bank(&self, plugin: &str) -> Bank {
        let mut settings = Vec::new();
        for policy in policies(&self.config) {
            settings.push(policy.breaker.clone());
        }
        Bank::new(plugin, settings)
    }

    /// The policy with this number.
    pub fn policy(&self, number: usize) -> &Policy {
        self.rule(number)
            .map_or(&self.config.policy, |rule| &rule.policy)
    }

    /// The maintenance of a policy, if it has not ended.
    pub fn maintenance(&self, number: usize, now_ms: u64) -> Option<&Maintenance> {
        let maintenance = self.rule(number)?.maintenance.as_ref()?;
        let is_over = |until: u64| times(until, 1000) <= now_ms;
        (!maintenance.until.is_some_and(is_over)).then_some(maintenance)
    }

    /// The policy of a request: the one that the metadata of its route names, else the first rule
    /// that matches, else that of the top level.
    pub fn choose(&self, facts: &RouteFacts, request: &HeaderBlock) -> Choice {
        // Of each name what it stands for, if there is such a thing.
        let named = facts
            .metadata
            .get("policy")
            .map(|name| self.number_of(name));
        let own_page = facts
            .metadata
            .get("page")
            .map(|name| self.pages.template(name));
        let policy = named
            .flatten()
            .or_else(|| Some(self.matched(facts, request)?.wrapping_add(1)))
            .unwrap_or(0);
        let mode = match facts.metadata.get("mode") {
            Some(b"enforce") => Mode::Enforce,
            Some(b"shadow") => Mode::Shadow,
            Some(b"off") => Mode::Off,
            _ => self.rule(policy).map_or(self.config.mode, |rule| rule.mode),
        };
        let key = match &self.policy(policy).breaker.group {
            // A group cannot be taken for a route, whose key always has a slash.
            Some(group) => ["group ", group].joined(),
            None => {
                let name = lossy(facts.name());
                let cluster = lossy(&facts.cluster);
                [&name, "/", &cluster].joined()
            }
        };
        let of_rule = || {
            self.pages
                .template(self.rule(policy)?.page.as_ref()?.as_bytes())
        };
        Choice {
            policy,
            mode,
            key,
            page: own_page.flatten().or_else(of_rule),
            route: match self.pages.ask_for_routes() {
                true => facts.name().to_vec(),
                false => Vec::new(),
            },
            has_unknown_name: named == Some(None) || own_page == Some(None),
        }
    }

    /// The first rule that matches.
    fn matched(&self, facts: &RouteFacts, request: &HeaderBlock) -> Option<usize> {
        if self.config.routes.is_empty() {
            return None;
        }
        let asked = Asked {
            facts,
            name: facts.name(),
            host: without_port(request.get(":authority").unwrap_or_default()),
            path: without_query(request.get(":path").unwrap_or_default()),
        };
        let hash = hash::of_bytes(asked.name);
        let seen = Glance {
            path: Ends::of(asked.path),
            host: Ends::of(asked.host),
            route: Ends::of(asked.name),
        };
        let rules = self.glances.iter().zip(&self.config.routes);
        let mut rules = self.names.iter().zip(rules);
        rules.position(|(name, (glance, rule))| {
            (*name == SOME_ROUTES || *name == hash)
                && glance.may_be_of(&seen)
                && asked.is_for(&rule.matches)
        })
    }

    fn rule(&self, number: usize) -> Option<&RouteRule> {
        self.config.routes.get(number.checked_sub(1)?)
    }

    fn number_of(&self, name: &[u8]) -> Option<usize> {
        let at = self
            .config
            .routes
            .iter()
            .position(|rule| rule.name.as_bytes() == name)?;
        Some(at.wrapping_add(1))
    }
}

fn policies(config: &Config) -> impl Iterator<Item = &Policy> {
    core::iter::once(&config.policy).chain(config.routes.iter().map(|rule| &rule.policy))
}

/// What tells of most requests that a rule is not for them; and the same of a request.
#[derive(Debug, Clone, Copy)]
struct Glance {
    path: Ends,
    host: Ends,
    route: Ends,
}

impl Glance {
    fn of(wanted: &RouteMatch) -> Self {
        Self {
            path: Ends::of_prefix(wanted.path_prefix.as_bytes()),
            host: Ends::of_pattern(&wanted.host),
            route: Ends::of_pattern(&wanted.route),
        }
    }

    fn may_be_of(&self, seen: &Self) -> bool {
        self.path.may_be_of(&seen.path)
            && self.host.may_be_of(&seen.host)
            && self.route.may_be_of(&seen.route)
    }
}

/// What the rules ask of a request.
struct Asked<'a> {
    facts: &'a RouteFacts,
    name: &'a [u8],
    host: &'a [u8],
    path: &'a [u8],
}

impl Asked<'_> {
    fn is_for(&self, wanted: &RouteMatch) -> bool {
        self.path.starts_with(wanted.path_prefix.as_bytes())
            && wanted.route.matches(self.name)
            && wanted.host.matches_ignore_case(self.host)
            && wanted.virtual_host.matches(&self.facts.virtual_host)
            && wanted.cluster.matches(&self.facts.cluster)
    }
}

/// A path without its query.
pub(crate) fn without_query(path: &[u8]) -> &[u8] {
    path.split(|&b| b == b'?' || b == b'#')
        .next()
        .unwrap_or_default()
}

/// The host without its port; an IPv6 address keeps its brackets.
pub(crate) fn without_port(authority: &[u8]) -> &[u8] {
    match authority.iter().rposition(|&b| b == b':') {
        Some(at) if !authority.get(at..).unwrap_or_default().contains(&b']') => {
            authority.get(..at).unwrap_or_default()
        }
        _ => authority,
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
