//! Counts the requests and failures of a log or of a part of it. Parts are counted on several
//! threads and merged in the order of the log, so the result does not depend on the number of
//! threads.
//!
//! Memory is bounded for any log, by the product of the limits here.

use foldhash::HashMap;
use memchr::memchr_iter;
use tidegate_core::breaker::class::MAX_DEPTH;
use tidegate_core::breaker::PathClass;
use tidegate_core::failure::Reason;
use tidegate_core::worker;

use super::classes::Classes;
use super::entry::{Entry, Evidence};
use super::episodes::{Episodes, First};
use super::line::{self, Wrong};
use super::seen::Names;
use super::timeline::Timeline;

/// Number of routes that are counted separately: as many as have their own breaker. A log without
/// routes is grouped by host, and clients can make up hosts.
pub(super) const MAX_ROUTES: usize = worker::MAX_ROUTES;
/// Number of hosts that are counted separately in a route.
pub(super) const MAX_HOSTS: usize = 64;
/// Number of releases that are counted separately in a route.
pub(super) const MAX_RELEASES: usize = 16;
/// Number of classes of paths that are counted separately in a route: as many as its breaker counts.
pub(super) const MAX_CLASSES: usize = tidegate_core::breaker::route::MAX_CLASSES;
/// Number of steps in time for a class.
const CLASS_STEPS: usize = 64;
/// Number of methods of a finding that are counted separately; clients can make them up.
const MAX_METHODS: usize = 8;

/// Name of the group of all other routes.
pub(super) const OTHERS: &str = "(other routes)";
/// Name of requests that have neither route nor host.
const NO_NAME: &str = "(no name)";

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) file: usize,
    /// From 1.
    pub(super) line: u64,
    pub(super) wrong: Wrong,
}

/// Failures of one route for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) count: u64,
    /// Counts by evidence, in the order of [`Evidence::ALL`].
    pub(super) evidence: [u64; Evidence::ALL.len()],
    pub(super) episodes: Episodes,
    /// For requests that an open circuit rejected: what opened it, and the number of rejections.
    pub(super) opened_by: Vec<(Reason, u64)>,
    /// Counts by method.
    pub(super) methods: Vec<(Box<str>, u64)>,
}

impl Failures {
    fn absorb(&mut self, later: Failures, gap_ms: u64) {
        self.count += later.count;
        for (known, later) in self.evidence.iter_mut().zip(later.evidence) {
            *known += later;
        }
        self.episodes.absorb(later.episodes, gap_ms);
        for (reason, rejected) in later.opened_by {
            self.opened_by(reason, rejected);
        }
        for (method, count) in later.methods {
            self.method(&method, count);
        }
    }

    fn method(&mut self, method: &str, count: u64) {
        if method.is_empty() {
            return;
        }
        let method = super::cut(method);
        let known = self
            .methods
            .iter_mut()
            .find(|(known, _)| &**known == method);
        if let Some((_, known)) = known {
            *known += count;
        } else if self.methods.len() < MAX_METHODS {
            self.methods.push((method.into(), count));
        }
    }

    pub(super) fn opened_by(&mut self, reason: Reason, rejected: u64) {
        match self
            .opened_by
            .iter()
            .position(|(known, _)| *known == reason)
        {
            Some(at) => self.opened_by[at].1 += rejected,
            None => self.opened_by.push((reason, rejected)),
        }
    }
}

/// The requests of one route to one cluster, as the breaker separates them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) name: Box<str>,
    /// Empty if the log does not name it.
    pub(super) cluster: Box<str>,
    /// Whether the name is a host, since the log has no route.
    pub(super) is_host: bool,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) timeline: Timeline,
    /// Requests that did not fail, by the class of their path.
    pub(super) served: Classes<Timeline<CLASS_STEPS>, MAX_CLASSES>,
    pub(super) hosts: Names,
    pub(super) releases: Names,
    pub(super) reasons: Vec<(Reason, Failures)>,
    /// Failures of which the log says nothing but 503 ([`Evidence::Bare`]).
    pub(super) bare: Failures,
}

/// The counts of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// All lines, including blank and unreadable ones.
    pub(super) lines: u64,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) unreadable: u64,
    pub(super) first_unreadable: Option<Unreadable>,
    /// Number of filter state reasons that this version does not know.
    pub(super) unknown_reasons: u64,
    /// Number of lines in which more follows than their format has.
    pub(super) extended: u64,
    pub(super) first_ms: Option<u64>,
    pub(super) last_ms: Option<u64>,
    /// By name and cluster ([`set_key`]).
    pub(super) routes: HashMap<Box<str>, Route>,
    /// How often a route was merged into [`OTHERS`]; a route that returns counts again.
    pub(super) folded: u64,
    gap_ms: u64,
}

impl Route {
    fn absorb(&mut self, later: Route, gap_ms: u64) {
        self.is_host |= later.is_host;
        self.requests += later.requests;
        self.failed += later.failed;
        self.timeline.absorb(later.timeline);
        self.served.absorb(later.served);
        self.hosts.absorb(later.hosts, MAX_HOSTS);
        self.releases.absorb(later.releases, MAX_RELEASES);
        for (reason, failures) in later.reasons {
            self.failures(reason).absorb(failures, gap_ms);
        }
        self.bare.absorb(later.bare, gap_ms);
    }

    fn all_failures(&mut self) -> impl Iterator<Item = &mut Failures> {
        let reasons = self.reasons.iter_mut().map(|(_, failures)| failures);
        reasons.chain([&mut self.bare])
    }

    fn failures(&mut self, reason: Reason) -> &mut Failures {
        let at = self.reasons.iter().position(|(known, _)| *known == reason);
        let at = at.unwrap_or_else(|| {
            self.reasons.push((reason, Failures::default()));
            self.reasons.len() - 1
        });
        &mut self.reasons[at].1
    }
}

/// What is reused from line to line.
#[derive(Default)]
struct Memory {
    class: PathClass,
    key: String,
}

/// Sets `key` to that of a route: the name alone if the cluster is unknown.
fn set_key(key: &mut String, name: &str, cluster: &str) {
    key.clear();
    key.push_str(name);
    if !cluster.is_empty() {
        key.push('\0');
        key.push_str(cluster);
    }
}

impl Tally {
    /// Creates an empty tally. Failures with at least `gap_ms` between them belong to different
    /// episodes.
    pub(super) fn new(gap_ms: u64) -> Self {
        Self {
            gap_ms,
            ..Self::default()
        }
    }

    /// Tallies whole lines.
    pub(super) fn of(lines: &[u8], gap_ms: u64) -> Self {
        let mut tally = Self::new(gap_ms);
        let mut memory = Memory::default();
        let mut start = 0;
        for end in memchr_iter(b'\n', lines) {
            tally.line(&lines[start..end], &mut memory);
            start = end + 1;
        }
        if start < lines.len() {
            tally.line(&lines[start..], &mut memory);
        }
        tally
    }

    /// Tallies one line that is too long to be read.
    pub(super) fn of_too_long_line(gap_ms: u64) -> Self {
        let mut tally = Self::new(gap_ms);
        tally.lines = 1;
        tally.cannot_read(Wrong::TooLong);
        tally
    }

    /// Tallies a line.
    fn line(&mut self, line: &[u8], memory: &mut Memory) {
        self.lines += 1;
        match line::parse(line) {
            None => {}
            Some(Ok(entry)) => self.add(&entry, memory),
            Some(Err(wrong)) => self.cannot_read(wrong),
        }
    }

    fn cannot_read(&mut self, wrong: Wrong) {
        self.unreadable += 1;
        let line = self.lines;
        self.first_unreadable.get_or_insert(Unreadable {
            file: 0,
            line,
            wrong,
        });
    }

    fn add(&mut self, entry: &Entry<'_>, Memory { class, key }: &mut Memory) {
        let at_ms = entry.ended_ms();
        let failure = entry.failure();
        let failed = failure.is_some();
        self.requests += 1;
        self.failed += u64::from(failed);
        self.first_ms = Some(self.first_ms.map_or(at_ms, |first| first.min(at_ms)));
        self.last_ms = self.last_ms.max(Some(at_ms));
        if !entry.reason.is_empty() && Reason::from_token(&entry.reason).is_none() {
            self.unknown_reasons += 1;
        }
        self.extended += u64::from(entry.has_more);
        let (gap_ms, line) = (self.gap_ms, self.lines);
        let route = self.route(entry, key);
        route.requests += 1;
        route.failed += u64::from(failed);
        route.timeline.add(at_ms, 1);
        if !entry.host.is_empty() {
            route.hosts.add(&entry.host, at_ms, failed, MAX_HOSTS);
        }
        if !entry.release.is_empty() {
            route
                .releases
                .add(&entry.release, at_ms, failed, MAX_RELEASES);
        }
        let class = (!entry.path.is_empty()).then(|| {
            class.set_to_request(entry.authority.as_bytes(), entry.path.as_bytes());
            class.prefix(MAX_DEPTH)
        });
        let Some((reason, evidence)) = failure else {
            // Nothing is known of the upstream where the client left before there was a response.
            if let Some(class) = class.filter(|_| entry.status > 0) {
                route.served.at(class).add(at_ms, 1);
            }
            return;
        };
        let failures = match evidence {
            Evidence::Bare => &mut route.bare,
            _ => route.failures(reason),
        };
        failures.count += 1;
        failures.evidence[evidence as usize] += 1;
        failures.method(&entry.method, 1);
        if let Some(cause) = entry.opened_by() {
            failures.opened_by(cause, 1);
        }
        failures
            .episodes
            .add(at_ms, &entry.host, class, gap_ms, || First {
                file: 0,
                line,
                request_id: super::cut(&entry.request_id).into(),
                host: super::cut(&entry.host).into(),
                details: super::cut(&entry.details).into(),
            });
    }

    /// Returns the route of a request, or its host if the log has no route. `key` is memory.
    fn route(&mut self, entry: &Entry<'_>, key: &mut String) -> &mut Route {
        let cluster = super::cut(&entry.cluster);
        let (name, is_host) = match (entry.route.as_ref(), entry.authority.as_ref()) {
            ("", "") => (NO_NAME, false),
            ("", host) => (super::cut(host), true),
            (route, _) => (super::cut(route), false),
        };
        set_key(key, name, cluster);
        if !self.routes.contains_key(&**key) {
            self.make_room();
            let route = Route {
                name: name.into(),
                cluster: cluster.into(),
                is_host,
                ..Route::default()
            };
            self.routes.insert((&**key).into(), route);
        }
        // The entry of a map would need a copy of the key for each line.
        self.routes.get_mut(&**key).expect("it is there by now")
    }

    /// Makes room before another route is added: from twice the limit on, the routes with the
    /// fewest failures and requests are merged into the others. So requests for made-up hosts do
    /// not displace real ones.
    fn make_room(&mut self) {
        if self.routes.len() >= 2 * MAX_ROUTES {
            self.fold_beyond(MAX_ROUTES);
        }
    }

    fn fold_beyond(&mut self, limit: usize) {
        if self.routes.len() <= limit {
            return;
        }
        let mut others = self.routes.remove(OTHERS).unwrap_or_default();
        let mut all: Vec<_> = self.routes.drain().collect();
        all.sort_unstable_by(|(a_name, a), (b_name, b)| {
            let key = |route: &Route| (route.failed, route.requests);
            key(b).cmp(&key(a)).then_with(|| a_name.cmp(b_name))
        });
        for (_, route) in all.drain(limit.saturating_sub(1).min(all.len())..) {
            others.absorb(route, self.gap_ms);
            self.folded += 1;
        }
        (others.name, others.is_host) = (OTHERS.into(), false);
        self.routes.extend(all);
        self.routes.insert(OTHERS.into(), others);
    }

    /// Merges the tally of the lines that follow. They belong to `file`, after its first
    /// `lines_before` lines.
    pub(super) fn absorb(&mut self, later: Tally, file: usize, lines_before: u64) {
        self.lines += later.lines;
        self.requests += later.requests;
        self.failed += later.failed;
        self.unreadable += later.unreadable;
        self.unknown_reasons += later.unknown_reasons;
        self.extended += later.extended;
        self.folded += later.folded;
        self.first_ms = [self.first_ms, later.first_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(later.last_ms);
        if self.first_unreadable.is_none() {
            self.first_unreadable = later.first_unreadable.map(|unreadable| Unreadable {
                file,
                line: unreadable.line + lines_before,
                ..unreadable
            });
        }
        // Sorted, since the order of a hash map differs between runs.
        let mut routes: Vec<_> = later.routes.into_iter().collect();
        routes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, mut route) in routes {
            for episode in route.all_failures().flat_map(|f| &mut f.episodes.list) {
                episode.first.file = file;
                episode.first.line += lines_before;
            }
            if let Some(known) = self.routes.get_mut(&name) {
                known.absorb(route, self.gap_ms);
            } else {
                self.make_room();
                self.routes.insert(name, route);
            }
        }
    }

    /// Finishes the tally after the last line.
    pub(super) fn end(&mut self) {
        self.fold_beyond(MAX_ROUTES);
    }
}

#[cfg(test)]
mod tests;
