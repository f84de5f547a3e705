//! The policy of a request: the policy that its route's metadata names, else the first rule that
//! matches, else the top level.

use crate::config::{Mode, RouteMatch};
use crate::filter_config::FilterConfig;
use crate::host::Host;
use crate::http::headers::HeaderBlock;
use crate::http::uri::{without_port, without_query};
use crate::worker::{CircuitId, RouteKey};

/// What Envoy knows about the route of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteInfo {
    /// `xds.route_name`; empty if there is none.
    pub route: Vec<u8>,
    /// `xds.virtual_host_name`; read only if the route has no name, or if some rule matches virtual
    /// hosts.
    pub virtual_host: Vec<u8>,
    /// `xds.cluster_name`, the cluster chosen for this request; empty if there is none.
    pub cluster: Vec<u8>,
    /// `metadata.filter_metadata.tidegate` of the route, as names and strings.
    pub metadata: HeaderBlock,
}

impl RouteInfo {
    /// Reads the route of the current request. What the host does not know is empty.
    pub fn read(host: &mut impl Host, config: &FilterConfig) -> Self {
        let mut attribute = |path: &str| host.attribute(path).unwrap_or_default();
        let route = attribute("xds\0route_name");
        Self {
            virtual_host: if is_unnamed(&route) || config.matches_virtual_hosts() {
                attribute("xds\0virtual_host_name")
            } else {
                Vec::new()
            },
            route,
            cluster: attribute("xds\0cluster_name"),
            metadata: HeaderBlock::from_wire(attribute(
                "xds\0route_metadata\0filter_metadata\0tidegate",
            )),
        }
    }

    /// Returns the name of the route, or of its virtual host if the route has no name.
    pub fn name(&self) -> &[u8] {
        if is_unnamed(&self.route) {
            &self.virtual_host
        } else {
            &self.route
        }
    }
}

/// Returns whether a route has no name. Istio names such routes "default".
fn is_unnamed(route: &[u8]) -> bool {
    matches!(route, b"" | b"default")
}

/// The policy of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePolicy {
    /// Number of the policy: 0 is the top level, `n` is `routes[n - 1]`.
    pub number: usize,
    /// What the filter does on this route.
    pub mode: Mode,
    /// Key of the route's circuit, metrics and load.
    pub key: RouteKey,
    /// Number of the template that the route asks for.
    pub page: Option<usize>,
    /// Name of the Envoy route; empty unless some rule of `pages` matches routes.
    pub route: Vec<u8>,
    /// Whether the route's metadata name a policy or a page that does not exist.
    pub has_unknown_name: bool,
}

impl RoutePolicy {
    /// Returns the circuit of the request.
    pub fn circuit(&self) -> CircuitId<'_> {
        CircuitId {
            route: &self.key,
            policy: self.number,
        }
    }

    /// Finds the policy of a request.
    pub fn find(config: &FilterConfig, info: &RouteInfo, request: &HeaderBlock) -> Self {
        // `Some(None)` is a name that does not exist.
        let named_policy = info.metadata.get("policy").map(|name| {
            let mut rules = config.config.routes.iter();
            rules.position(|rule| rule.name.as_bytes() == name)
        });
        let named_page = info
            .metadata
            .get("page")
            .map(|name| config.pages.template(name));
        let number = named_policy
            .flatten()
            .or_else(|| first_match(config, info, request))
            .map_or(0, |position| position.saturating_add(1));
        let rule = config.rule(number);
        let mode = match info.metadata.get("mode") {
            Some(b"enforce") => Mode::Enforce,
            Some(b"shadow") => Mode::Shadow,
            Some(b"off") => Mode::Off,
            _ => rule.map_or(config.config.mode, |rule| rule.mode),
        };
        let page_of_rule = || config.pages.template(rule?.page.as_ref()?.as_bytes());
        Self {
            number,
            mode,
            key: match &config.policy(number).breaker.group {
                Some(group) => RouteKey::of_group(group),
                None => RouteKey::of_route(info.name(), &info.cluster),
            },
            page: named_page.flatten().or_else(page_of_rule),
            route: if config.pages.asks_for_routes() {
                info.name().to_vec()
            } else {
                Vec::new()
            },
            has_unknown_name: named_policy == Some(None) || named_page == Some(None),
        }
    }
}

/// Returns the position of the first rule that matches.
fn first_match(config: &FilterConfig, info: &RouteInfo, request: &HeaderBlock) -> Option<usize> {
    let rules = &config.config.routes;
    if rules.is_empty() {
        return None;
    }
    let name = info.name();
    let host = without_port(request.get(":authority").unwrap_or_default());
    let path = without_query(request.get(":path").unwrap_or_default());
    let matches = |rule: &RouteMatch| {
        path.starts_with(rule.path_prefix.as_bytes())
            && rule.route.matches(name)
            && rule.host.matches_host(host)
            && rule.virtual_host.matches(&info.virtual_host)
            && rule.cluster.matches(&info.cluster)
    };
    rules.iter().position(|rule| matches(&rule.matches))
}

#[cfg(test)]
mod tests;
