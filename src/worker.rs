//! What the requests of one worker share: the configuration in force, and its breakers.

use alloc::vec::Vec;
use core::cell::{RefCell, RefMut};

use tidegate_core::exchange::{self, Breakers, Moment};
use tidegate_core::gate::{Gate, RouteFacts};
use tidegate_core::headers::HeaderBlock;
use tidegate_core::text::lossy;
use tidegate_core::time::Timestamp;
use tidegate_core::worker::WorkerCounter;

use crate::host::{self, LogLevel};
use crate::log_sink;
use crate::shared::Shared;

/// The configuration in force on this worker, and its breakers.
pub(crate) struct Worker {
    pub(crate) gate: Gate,
    known: RefCell<Known>,
}

/// What is known of the routes.
type Known = tidegate_core::worker::Worker;

impl Worker {
    /// Makes a configuration the one in force, after `before`: what is known of the routes stays so.
    pub(crate) fn new(gate: Gate, before: Option<&Self>) -> Self {
        // All plugins of a proxy may share one namespace of shared data; their names tell them
        // apart. Without a name the breakers still work, for all plugins without one.
        let plugin = host::property("plugin_name").unwrap_or_default();
        let mut known = gate.worker(&lossy(&plugin));
        if let Some(mut previous) = before.and_then(Self::known) {
            known.inherit_load(&mut previous);
        }
        let known = RefCell::new(known);
        let worker = Self { gate, known };
        // A circuit may be open since before: not even one request may pass it by.
        worker.tick();
        worker
    }

    /// What is known of the routes; nothing where that is in use already, which no host does.
    // Not inlined: it is asked in ten places.
    #[inline(never)]
    fn known(&self) -> Option<RefMut<'_, Known>> {
        self.known.try_borrow_mut().ok()
    }

    /// Does something with the breakers, unless they are in use already.
    pub(crate) fn with_breakers<T>(
        &self,
        work: impl FnOnce(&Gate, &mut Breakers<'_>) -> T,
    ) -> Option<T> {
        let mut known = self.known()?;
        let store = exchange::Shared(&mut Shared);
        let worker = &mut *known;
        let mut breakers = Breakers { worker, store };
        Some(work(&self.gate, &mut breakers))
    }

    /// Tells what was counted, learns what other workers did, and says what changed.
    pub(crate) fn tick(&self) {
        let Ok(now_ns) = host::now_ns() else { return };
        let mut at = Moment::new(now_ns, 0);
        self.with_breakers(|_, breakers| {
            let worker = &mut *breakers.worker;
            worker.tick(&mut Shared, at.now, &mut at.rng);
            worker.report(&mut Shared, at.now);
        });
        self.report(at.now);
    }

    /// Writes what there is to write.
    pub(crate) fn report(&self, now: Timestamp) {
        self.with_breakers(|_, breakers| {
            for line in breakers.worker.take_event_lines(now) {
                log_sink::write(LogLevel::Info, &[&line]);
            }
        });
    }

    /// The filter leaves a request alone because a call to the host failed.
    pub(crate) fn count_host_error(&self) {
        self.with_breakers(|_, breakers| breakers.worker.count_total(WorkerCounter::HostErrors));
    }
}

/// Reads the facts of the request's route. What the host does not know is empty.
pub(crate) fn route_facts(gate: &Gate) -> RouteFacts {
    let text = |path| host::property(path).unwrap_or_default();
    let route = text("xds\0route_name");
    RouteFacts {
        virtual_host: if gate.needs_virtual_host(&route) {
            text("xds\0virtual_host_name")
        } else {
            Vec::new()
        },
        route,
        cluster: text("xds\0cluster_name"),
        metadata: HeaderBlock::from_wire(text("xds\0route_metadata\0filter_metadata\0tidegate")),
    }
}
