//! The bytes of the circuits of a route in shared data: a record of variable size.
//!
//! The record begins with its version. Records of the versions before are read; a circuit that is in the
//! ramp there begins its ramp again. A record of a later version is left alone, since its workers still use
//! it; the reader then admits requests and counts. Anything else is no record, and is replaced.

mod bytes;

use std::collections::BTreeMap;
use std::time::Duration;

use self::bytes::{put_counts, put_numbers, put_times, put_u32s, Reader};
use crate::breaker::admissions::Admissions;
use crate::breaker::circuit::gate::{GateState, TokenBucket};
use crate::breaker::circuit::recovery::{Recovery, RecoveryState};
use crate::breaker::circuit::CircuitBreaker;
use crate::breaker::clients::{ClientId, Clients, KnownClient};
use crate::breaker::probes::{Lease, Probes, MAX_PERMITS};
use crate::breaker::ramp::Ramp;
use crate::breaker::route::{ClassCircuit, RouteCircuits, Standing};
use crate::breaker::state::State;
use crate::breaker::unsynced::ConsecutiveFailures;
use crate::breaker::window::{Counts, Window, BUCKETS};
use crate::failure::Reason;
use crate::time::{saturating_millis, Timestamp};

/// First byte of a record: its version.
const VERSION: u8 = 3;
/// In this version and those before, ramps admit a share of the requests, and not a rate.
const VERSION_OF_SHARES: u8 = 2;
/// The first version: the circuit of the route alone, and less of it.
const FIRST_VERSION: u8 = 1;
/// Later versions count on; a record with a higher number is garbage.
const LATER_VERSIONS: std::ops::RangeInclusive<u8> = VERSION + 1..=15;

/// About the length of one circuit with some clients.
const CIRCUIT_BYTES: usize = 640;

/// Number of bits of the deadline in a lease; the generation is in the bits above.
const DEADLINE_BITS: u32 = 48;
const DEADLINE_MASK: u64 = (1 << DEADLINE_BITS) - 1;

impl RouteCircuits {
    /// Encodes the circuits as a record.
    pub fn encode(&self) -> Vec<u8> {
        let circuits = self.classes.len().saturating_add(1);
        let mut out = Vec::with_capacity(circuits.saturating_mul(CIRCUIT_BYTES));
        out.push(VERSION);
        put_circuit(&mut out, &self.route);
        let (tries_since, tries_cost) = self.tries;
        put_times(&mut out, &[self.watched_since, tries_since]);
        put_u32s(&mut out, &[self.changes, tries_cost]);
        put_numbers(&mut out, &[self.healthy_rate, self.known_rate]);
        let latency_ms = saturating_millis(self.known_latency);
        put_u32s(&mut out, &[u32::try_from(latency_ms).unwrap_or(u32::MAX)]);
        out.push(u8::try_from(self.classes.len()).unwrap_or(u8::MAX));
        for (name, class) in self.classes.iter().take(u8::MAX.into()) {
            out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.extend(name.bytes().take(u8::MAX.into()));
            let standing = match class.standing {
                Standing::Unknown => 0,
                Standing::Good => 1,
                Standing::Failing => 2,
            };
            let depth = u8::try_from(class.depth).unwrap_or(u8::MAX);
            out.extend_from_slice(&[
                depth,
                standing,
                class.is_divided.into(),
                class.only_tried.into(),
            ]);
            put_times(&mut out, &[class.trying_until]);
            put_circuit(&mut out, &class.circuit);
        }
        out
    }

    /// Returns whether these bytes are a record of a later version.
    pub fn is_of_later_version(bytes: &[u8]) -> bool {
        let version = bytes.first();
        version.is_some_and(|version| LATER_VERSIONS.contains(version))
    }

    /// Decodes a record. Returns `None` for bytes that are no record of a version that is known.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        if !(FIRST_VERSION..=VERSION).contains(&version) {
            return None;
        }
        let mut reader = Reader { rest, version };
        let route = reader.circuit()?;
        if version == FIRST_VERSION {
            let circuits = Self {
                changes: route.generation,
                ..Self::of_route(route)
            };
            return reader.rest.is_empty().then_some(circuits);
        }
        let watched_since = reader.time()?;
        let tries_since = reader.time()?;
        let changes = reader.u32()?;
        let tries = (tries_since, reader.u32()?);
        let healthy_rate = reader.rate()?;
        let (known_rate, known_latency_ms) = if reader.has_rates() {
            (reader.rate()?, reader.u32()?)
        } else {
            (0.0, 0)
        };
        let [count] = reader.array()?;
        let mut classes = BTreeMap::new();
        for _ in 0..count {
            let (name, class) = reader.class()?;
            // In order, and each once: what is written again has the same bytes.
            let last = classes.last_key_value();
            if last.is_some_and(|(last, _)| *last >= name) {
                return None;
            }
            classes.insert(name, Box::new(class));
        }
        reader.rest.is_empty().then_some(Self {
            route,
            classes,
            watched_since,
            healthy_rate,
            known_rate,
            known_latency: Duration::from_millis(known_latency_ms.into()),
            changes,
            tries,
        })
    }
}

fn put_circuit(out: &mut Vec<u8>, circuit: &CircuitBreaker) {
    let state = match circuit.state {
        State::Closed => 0,
        State::Open => 1,
        State::HalfOpen => 2,
        State::Ramp => 3,
    };
    let reason = reason_index(circuit.tripped_by);
    out.extend_from_slice(&[state, circuit.exponent, reason]);
    let bucket_ms = u32::try_from(saturating_millis(circuit.bucket_width)).unwrap_or(u32::MAX);
    put_u32s(out, &[circuit.generation, bucket_ms]);
    let ramp = circuit.recovery.ramp;
    put_numbers(out, &[ramp.rate, ramp.usual, ramp.target, ramp.wait_before]);
    put_u32s(out, &[ramp.best]);
    out.extend_from_slice(&ramp.calm.to_le_bytes());
    let succeeded = circuit.recovery.probes.succeeded;
    out.extend_from_slice(&[ramp.doubts, ramp.easings, ramp.held, succeeded]);
    put_gate(out, &circuit.recovery.gate);
    put_times(
        out,
        &[
            circuit.changed_at,
            circuit.until,
            circuit.recovery.next_step_at,
        ],
    );
    for lease in circuit.recovery.probes.leases {
        out.extend_from_slice(&lease_word(lease).to_le_bytes());
    }
    put_counts(out, circuit.recovery.step);
    let consecutive = circuit.consecutive;
    put_u32s(out, &[consecutive.count]);
    let times = [consecutive.since, consecutive.last, circuit.last_success];
    put_times(out, &times);
    let (head, ring) = circuit.window.parts();
    out.extend_from_slice(&head.to_le_bytes());
    for bucket in ring {
        put_counts(out, *bucket);
    }
    let abandoned = circuit.abandoned;
    put_u32s(out, &[abandoned.count]);
    let times = [abandoned.since, abandoned.last, circuit.last_response];
    put_times(out, &times);
    put_clients(out, &circuit.consecutive.clients);
    put_clients(out, &abandoned.clients);
    put_clients(out, &circuit.recovery.failed_probers);
    put_u32s(out, &circuit.recovery.probe_clients.map(|client| client.0));
    put_times(out, &[circuit.recovery.probe_failed_at]);
    let known = &circuit.clients.known;
    out.push(u8::try_from(known.len()).unwrap_or(u8::MAX));
    for client in known.iter().take(u8::MAX.into()) {
        put_u32s(
            out,
            &[
                client.id.0,
                client.seen,
                client.since,
                client.failed_at,
                client.failed,
                client.all,
            ],
        );
    }
}

fn put_gate(out: &mut Vec<u8>, gate: &GateState) {
    put_numbers(out, &[gate.token_bucket.tokens]);
    put_times(out, &[gate.token_bucket.filled_at]);
    put_u32s(
        out,
        &[
            gate.admitted,
            gate.rejected,
            gate.beyond_part,
            gate.answered,
            gate.in_flight,
            gate.least_in_flight,
            gate.offered_before,
            gate.beyond_part_before,
            gate.share,
        ],
    );
    let takers = &gate.admissions.known;
    out.push(u8::try_from(takers.len()).unwrap_or(u8::MAX));
    for (client, requests) in takers.iter().take(u8::MAX.into()) {
        put_u32s(out, &[client.0, *requests]);
    }
}

impl Reader<'_> {
    fn has_rates(&self) -> bool {
        self.version > VERSION_OF_SHARES
    }

    fn circuit(&mut self) -> Option<CircuitBreaker> {
        let [state, exponent, reason] = self.array()?;
        let state = match state {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::Ramp,
            _ => return None,
        };
        let tripped_by = *Reason::ALL.get(usize::from(reason))?;
        let generation = self.u32()?;
        let bucket_width = Duration::from_millis(self.u32()?.into());
        let (ramp, succeeded, gate) = self.ramp()?;
        let changed_at = self.time()?;
        let until = self.time()?;
        let next_step_at = self.time()?;
        let mut leases = [None; MAX_PERMITS];
        for lease in &mut leases {
            *lease = lease_of_word(self.u64()?);
        }
        let step = self.counts()?;
        let consecutive = ConsecutiveFailures {
            count: self.u32()?,
            since: self.time()?,
            last: self.time()?,
            ..ConsecutiveFailures::default()
        };
        let last_success = self.time()?;
        let head = self.u64()?;
        let mut ring = [Counts::default(); BUCKETS];
        for bucket in &mut ring {
            *bucket = self.counts()?;
        }
        let mut recovery = RecoveryState {
            probes: Probes { leases, succeeded },
            ramp,
            gate,
            next_step_at,
            step,
            ..RecoveryState::default()
        };
        let mut circuit = CircuitBreaker {
            state,
            generation,
            changed_at,
            until,
            exponent,
            tripped_by,
            recovery: Recovery::default(),
            consecutive,
            last_success,
            abandoned: ConsecutiveFailures::default(),
            last_response: last_success,
            window: Window::from_parts(head, ring),
            clients: Clients::default(),
            bucket_width,
        };
        if self.version > FIRST_VERSION {
            self.clients_of(&mut circuit, &mut recovery)?;
        }
        circuit.recovery = recovery.into();
        Some(circuit)
    }

    /// Reads what is known of the clients of a circuit.
    fn clients_of(
        &mut self,
        circuit: &mut CircuitBreaker,
        recovery: &mut RecoveryState,
    ) -> Option<()> {
        circuit.abandoned = ConsecutiveFailures {
            count: self.u32()?,
            since: self.time()?,
            last: self.time()?,
            ..ConsecutiveFailures::default()
        };
        circuit.last_response = self.time()?;
        self.clients(&mut circuit.consecutive.clients)?;
        self.clients(&mut circuit.abandoned.clients)?;
        self.clients(&mut recovery.failed_probers)?;
        for client in &mut recovery.probe_clients {
            *client = ClientId(self.u32()?);
        }
        recovery.probe_failed_at = self.time()?;
        let [count] = self.array()?;
        circuit.clients.known.reserve_exact(count.into());
        for _ in 0..count {
            circuit.clients.known.push(KnownClient {
                id: ClientId(self.u32()?),
                seen: self.u32()?,
                since: self.u32()?,
                failed_at: self.u32()?,
                failed: self.u32()?,
                all: self.u32()?,
            });
        }
        Some(())
    }

    /// Reads the ramp of a circuit, the number of probes that succeeded, and its gate.
    fn ramp(&mut self) -> Option<(Ramp, u8, GateState)> {
        if !self.has_rates() {
            // The level, the target and the best step; how long it was held, and doubts.
            let _: [u8; 15] = self.array()?;
            let [succeeded] = self.array()?;
            return Some((Ramp::of_unknown_route(), succeeded, GateState::default()));
        }
        let mut ramp = Ramp {
            rate: self.rate()?,
            usual: self.rate()?,
            target: self.rate()?,
            wait_before: self.rate()?,
            best: self.u32()?,
            calm: u16::from_le_bytes(self.array()?),
            ..Ramp::default()
        };
        let [doubts, easings, held, succeeded] = self.array()?;
        (ramp.doubts, ramp.easings, ramp.held) = (doubts, easings, held);
        Some((ramp, succeeded, self.gate()?))
    }

    fn gate(&mut self) -> Option<GateState> {
        let token_bucket = TokenBucket {
            tokens: self.number()?,
            filled_at: self.time()?,
        };
        let mut gate = GateState {
            token_bucket,
            admitted: self.u32()?,
            rejected: self.u32()?,
            beyond_part: self.u32()?,
            answered: self.u32()?,
            in_flight: self.u32()?,
            least_in_flight: self.u32()?,
            offered_before: self.u32()?,
            beyond_part_before: self.u32()?,
            share: self.u32()?,
            admissions: Admissions::default(),
        };
        let [count] = self.array()?;
        gate.admissions.known.reserve_exact(count.into());
        for _ in 0..count {
            let client = ClientId(self.u32()?);
            gate.admissions.known.push((client, self.u32()?));
        }
        Some(gate)
    }

    fn clients(&mut self, clients: &mut [Option<ClientId>]) -> Option<()> {
        for client in clients {
            let is_known = self.flag()?;
            let id = ClientId(self.u32()?);
            if !is_known && id != ClientId::UNKNOWN {
                return None;
            }
            *client = is_known.then_some(id);
        }
        Some(())
    }

    fn class(&mut self) -> Option<(String, ClassCircuit)> {
        let [length] = self.array()?;
        let (name, rest) = self.rest.split_at_checked(length.into())?;
        self.rest = rest;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        let [depth, standing] = self.array()?;
        let is_divided = self.flag()?;
        let only_tried = self.flag()?;
        let standing = match standing {
            0 => Standing::Unknown,
            1 => Standing::Good,
            2 => Standing::Failing,
            _ => return None,
        };
        let trying_until = self.time()?;
        let class = ClassCircuit {
            depth: depth.into(),
            circuit: self.circuit()?,
            is_divided,
            standing,
            trying_until,
            only_tried,
        };
        Some((name, class))
    }
}

/// Writes places for clients: any number may be a client, so a free place is written with a flag.
fn put_clients(out: &mut Vec<u8>, clients: &[Option<ClientId>]) {
    for client in clients {
        out.push(client.is_some().into());
        put_u32s(out, &[client.unwrap_or_default().0]);
    }
}

/// Returns the word of a slot; zero if the slot is free.
fn lease_word(lease: Option<Lease>) -> u64 {
    lease.map_or(0, |lease| {
        let generation = u64::from(lease.generation) << DEADLINE_BITS;
        generation | (lease.deadline.as_millis() & DEADLINE_MASK)
    })
}

fn lease_of_word(word: u64) -> Option<Lease> {
    (word != 0).then(|| Lease {
        generation: (word >> DEADLINE_BITS) as u16,
        deadline: Timestamp::from_millis(word & DEADLINE_MASK),
    })
}

fn reason_index(reason: Reason) -> u8 {
    Reason::ALL
        .iter()
        .position(|&r| r == reason)
        .and_then(|at| u8::try_from(at).ok())
        .unwrap_or(0)
}
