//! The filter's configuration, compiled: what all requests of a configuration share.

use std::time::Duration;

use crate::config::{BreakerMode, Config, Maintenance, Mode, Policy, RouteMetadata, RouteRule};
use crate::http::status::StatusSet;
use crate::page::Pages;
use crate::time::Timestamp;
use crate::worker::Worker;

/// A configuration, ready to serve requests.
#[derive(Debug)]
pub struct FilterConfig {
    /// The configuration it was compiled from, without its templates.
    pub(crate) config: Config,
    /// The pages.
    pub(crate) pages: Pages,
    /// Statuses on which some policy acts.
    relevant: StatusSet,
    always_looks_up: bool,
    matches_virtual_hosts: bool,
    slow_threshold: Option<Duration>,
}

impl FilterConfig {
    /// Compiles a configuration.
    pub fn new(mut config: Config) -> Self {
        let pages = Pages::new(&config);
        // The pages hold what they need of these, and every worker holds a copy.
        config.templates = Vec::new();
        config.vars = Vec::new();
        config.brands = Vec::new();
        config.locales.strings = Vec::new();
        let mut relevant = StatusSet::empty();
        // A 429 means that the upstream is overloaded.
        relevant.insert_range(429, 429);
        for policy in policies(&config) {
            relevant.insert_all(&policy.intercept.statuses);
            if policy.breaker.mode != BreakerMode::Disabled {
                relevant.insert_all(&policy.breaker.failures.statuses);
            }
        }
        let always_looks_up = config.route_metadata == RouteMetadata::Always
            || policies(&config).any(|policy| policy.breaker.mode == BreakerMode::ForcedOpen)
            || config.routes.iter().any(|rule| rule.maintenance.is_some());
        let slow_threshold = policies(&config)
            .filter(|policy| policy.breaker.mode != BreakerMode::Disabled)
            .filter_map(|policy| policy.breaker.failures.slow)
            .min();
        let matches_virtual_hosts = config
            .routes
            .iter()
            .any(|rule| !rule.matches.virtual_host.is_any());
        Self {
            config,
            pages,
            relevant,
            always_looks_up,
            matches_virtual_hosts,
            slow_threshold,
        }
    }

    /// Returns the configuration it was compiled from, without its templates.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Creates the state of a worker for this configuration. Plugins of the same name share circuits.
    pub fn worker(&self, plugin: &str) -> Worker {
        let breakers = policies(&self.config).map(|policy| policy.breaker.clone());
        Worker::new(plugin, breakers.collect())
    }

    /// Returns whether the filter is off for every route.
    pub(crate) fn is_off(&self) -> bool {
        self.config.mode == Mode::Off && self.config.routes.iter().all(|r| r.mode == Mode::Off)
    }

    /// Returns whether the policy of every request must be known before the request passes.
    pub(crate) fn always_looks_up(&self) -> bool {
        self.always_looks_up
    }

    /// Returns whether some rule of `routes` matches virtual hosts.
    pub(crate) fn matches_virtual_hosts(&self) -> bool {
        self.matches_virtual_hosts
    }

    /// Returns the shortest time that some policy calls slow; `None` if no policy does, so that
    /// requests need not be timed.
    pub(crate) fn slow_threshold(&self) -> Option<Duration> {
        self.slow_threshold
    }

    /// Returns whether some policy acts on `status`.
    pub(crate) fn is_relevant(&self, status: u16) -> bool {
        self.relevant.contains(status)
    }

    /// Returns the policy with this number: 0 is the top level, `n` is `routes[n - 1]`.
    pub fn policy(&self, number: usize) -> &Policy {
        self.rule(number)
            .map_or(&self.config.policy, |rule| &rule.policy)
    }

    /// Returns the maintenance of a policy unless it has ended.
    pub fn maintenance(&self, number: usize, now: Timestamp) -> Option<&Maintenance> {
        let maintenance = self.rule(number)?.maintenance.as_ref()?;
        match maintenance.until {
            Some(until) if until <= now => None,
            _ => Some(maintenance),
        }
    }

    /// Returns the rule of a policy; `None` for the top level.
    pub(crate) fn rule(&self, number: usize) -> Option<&RouteRule> {
        self.config.routes.get(number.checked_sub(1)?)
    }
}

fn policies(config: &Config) -> impl Iterator<Item = &Policy> {
    std::iter::once(&config.policy).chain(config.routes.iter().map(|rule| &rule.policy))
}

#[cfg(test)]
mod tests;
