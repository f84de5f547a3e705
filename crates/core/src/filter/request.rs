//! The request: rejected if its route is in maintenance or its circuit is open.

use std::rc::Rc;

use super::delivery::Delivery;
use super::intercept::Interception;
use super::kept_headers::{is_large, keep_read_headers};
use super::response::ResponseInfo;
use super::{log_events, says_it_retries, Filter, RequestAction, Stage};
use crate::config::Mode;
use crate::host::{HeaderMap, Host, HostError};
use crate::http::headers::HeaderBlock;
use crate::pass::pass_cookies;
use crate::policy::RoutePolicy;
use crate::time::Timestamp;
use crate::worker::{Permit, Worker, WorkerCounter};

impl Filter {
    pub(super) fn begin(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
    ) -> Result<RequestAction, HostError> {
        let request = HeaderBlock::from_wire(host.headers(HeaderMap::Request)?);
        let must_track = worker.must_track() || self.config.always_looks_up();
        if !must_track {
            self.permit = worker.untracked_permit();
        }
        self.is_returning = worker.expects_returns() && says_it_retries(&request);
        if must_track && is_large(&request) {
            self.passes = pass_cookies(request.get_all("cookie"));
        }
        self.request = keep_read_headers(request);
        let bytes = self.request.as_wire().len();
        self.kept = worker.keep(bytes.saturating_add(self.passes.len()));
        let action = self.admit_at(host, worker, must_track);
        if self.kept.is_none() && action == RequestAction::Continue {
            self.keep_nothing(worker);
        }
        Ok(action)
    }

    fn admit_at(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        must_track: bool,
    ) -> RequestAction {
        if !must_track && self.config.slow_threshold().is_none() {
            return RequestAction::Continue;
        }
        // Without the time no request can be rejected for a time.
        let Ok(now) = host.now() else {
            return RequestAction::Continue;
        };
        self.began = Some(now);
        if !must_track {
            return RequestAction::Continue;
        }
        let action = self.admit(host, worker, now);
        log_events(host, worker, now);
        action
    }

    /// Lets the request and its response pass, and keeps nothing of its headers: those of the requests in
    /// flight take too much memory. Its permit is returned without a result.
    fn keep_nothing(&mut self, worker: &mut Worker) {
        worker.count_total(WorkerCounter::OverMemory);
        self.request = HeaderBlock::default();
        self.passes = Vec::new();
        self.stage = Stage::Decided;
    }

    /// Rejects the request if its route is in maintenance or its circuit is open.
    fn admit(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        now: Timestamp,
    ) -> RequestAction {
        let config = Rc::clone(&self.config);
        let policy = self.policy(host, worker).clone();
        let rejected = match config.maintenance(policy.number, now) {
            _ if policy.mode == Mode::Off => None,
            Some(maintenance) => Some(Interception::maintenance(maintenance, now)),
            // What is skipped passes whatever the circuit says, and is no probe.
            None if self.is_skipped(&policy) => None,
            None => self.acquire(host, worker, &policy, now),
        };
        match rejected {
            // The upstream is not asked. The page comes with the pass, at once.
            None if self.permit.is_by_gate() && self.is_check_in() => {
                self.stage = Stage::Decided;
                self.is_recorded = true;
                self.note_answered(host, worker);
                self.count_kept_hint(host, worker);
                let reply = self.admitted(host, worker, &policy, now);
                RequestAction::SendLocalReply(reply)
            }
            None => RequestAction::Continue,
            Some(rejected) if policy.mode == Mode::Shadow => {
                worker.count_intercepted(&policy.key, rejected.reason, true);
                RequestAction::Continue
            }
            Some(rejected) => {
                self.stage = Stage::Decided;
                self.is_recorded = true;
                let response = ResponseInfo::none(now);
                let delivery = Delivery::of_rejection(self.format(&policy));
                let (reply, state) =
                    self.local_reply(host, worker, &policy, &response, rejected, delivery);
                state.set(host);
                RequestAction::SendLocalReply(reply)
            }
        }
    }

    /// Returns those cookies of the request that may be passes.
    fn take_passes(&mut self) -> Vec<u8> {
        let of_large = std::mem::take(&mut self.passes);
        if of_large.is_empty() {
            pass_cookies(self.request.get_all("cookie"))
        } else {
            of_large
        }
    }

    /// Acquires a permit, or returns the interception if the circuit is open.
    fn acquire(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        policy: &RoutePolicy,
        now: Timestamp,
    ) -> Option<Interception<'static>> {
        let is_shadow = policy.mode == Mode::Shadow;
        let mut rng = self.rng(now);
        let circuit = policy.circuit();
        // While all circuits of the route are clean, it does not matter who asks for what.
        let caller = if worker.must_know_caller(circuit) {
            let mut caller = self.caller(host);
            if worker.uses_passes(circuit) {
                let passes = self.take_passes();
                let has_pass = !passes.is_empty() && worker.has_pass(host, circuit, &passes, now);
                Rc::make_mut(&mut caller).has_pass = has_pass;
            }
            caller
        } else {
            Rc::default()
        };
        match worker.try_acquire(host, circuit, &caller, is_shadow, now, &mut rng) {
            Ok(permit) => {
                self.permit = permit;
                None
            }
            Err(rejection) => {
                if is_shadow {
                    self.permit = Permit::shadow();
                }
                Some(Interception::open_circuit(rejection))
            }
        }
    }
}
