//! The bytes of the circuits of a route in shared data: a record of variable size.
//!
//! The record begins with its version. A record of the version before is read; it has no classes. A
//! record of any other version is not decoded; the reader then admits requests and counts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::breaker::circuit::{CircuitBreaker, FAILED_PROBERS};
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
const VERSION: u8 = 2;
/// The version before: the circuit of the route, without what was added to a circuit.
const VERSION_BEFORE: u8 = 1;

/// Number of bits of the deadline in a lease; the generation is in the bits above.
const DEADLINE_BITS: u32 = 48;
const DEADLINE_MASK: u64 = (1 << DEADLINE_BITS) - 1;

impl RouteCircuits {
    /// Encodes the circuits as a record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_circuit(&mut out, &self.route);
        put_circuit_2(&mut out, &self.route);
        let (tries_since, tries_cost) = self.tries;
        put_times(&mut out, &[self.watched_since, tries_since]);
        put_u32s(&mut out, &[self.changes, tries_cost]);
        out.extend_from_slice(&self.healthy_rate.to_le_bytes());
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
            put_circuit_2(&mut out, &class.circuit);
        }
        out
    }

    /// Decodes a record. Returns `None` for bytes that are no record of a version that is known.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let [version] = reader.array()?;
        let mut circuits = match version {
            VERSION_BEFORE => Self::of_route(reader.circuit()?),
            VERSION => {
                let route = reader.circuit()?;
                Self::of_route(reader.circuit_2(route)?)
            }
            _ => return None,
        };
        if version == VERSION {
            circuits.watched_since = reader.time()?;
            let tries_since = reader.time()?;
            circuits.changes = reader.u32()?;
            circuits.tries = (tries_since, reader.u32()?);
            circuits.healthy_rate = reader.rate()?;
            let [count] = reader.array()?;
            for _ in 0..count {
                let (name, class) = reader.class()?;
                // In order, and each once: what is written again has the same bytes.
                let last = circuits.classes.last_key_value();
                if last.is_some_and(|(last, _)| *last >= name) {
                    return None;
                }
                circuits.classes.insert(name, Box::new(class));
            }
        }
        reader.0.is_empty().then_some(circuits)
    }

    fn of_route(route: CircuitBreaker) -> Self {
        Self {
            changes: route.generation,
            route,
            classes: BTreeMap::new(),
            watched_since: Timestamp::EPOCH,
            healthy_rate: 0.0,
            tries: (Timestamp::EPOCH, 0),
        }
    }
}

/// Writes what the version before knows of a circuit.
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
    let ramp = circuit.ramp;
    let words = [
        circuit.generation,
        bucket_ms,
        ramp.level,
        ramp.target,
        ramp.best,
    ];
    put_u32s(out, &words);
    out.extend_from_slice(&ramp.held.to_le_bytes());
    out.extend_from_slice(&[ramp.doubts, circuit.probes.succeeded]);
    put_times(
        out,
        &[circuit.changed_at, circuit.until, circuit.next_step_at],
    );
    for lease in circuit.probes.leases {
        out.extend_from_slice(&lease_word(lease).to_le_bytes());
    }
    put_counts(out, circuit.step);
    let consecutive = circuit.consecutive;
    put_u32s(out, &[consecutive.count]);
    let times = [consecutive.since, consecutive.last, circuit.last_success];
    put_times(out, &times);
    let (head, ring) = circuit.window.parts();
    out.extend_from_slice(&head.to_le_bytes());
    for bucket in ring {
        put_counts(out, *bucket);
    }
}

/// Writes what this version adds to a circuit.
fn put_circuit_2(out: &mut Vec<u8>, circuit: &CircuitBreaker) {
    let abandoned = circuit.abandoned;
    put_u32s(out, &[abandoned.count]);
    let times = [abandoned.since, abandoned.last, circuit.last_response];
    put_times(out, &times);
    put_clients(out, &circuit.consecutive.clients);
    put_clients(out, &abandoned.clients);
    put_clients(out, &circuit.failed_probers);
    put_u32s(out, &circuit.probe_clients.map(|client| client.0));
    put_times(out, &[circuit.probe_failed_at]);
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

/// The rest of a record.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a number per second; none that cannot be.
    fn rate(&mut self) -> Option<f64> {
        let rate = self.array().map(f64::from_le_bytes)?;
        (rate.is_finite() && rate.is_sign_positive()).then_some(rate)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp::from_millis)
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
        let ramp = Ramp {
            level: self.u32()?,
            target: self.u32()?,
            best: self.u32()?,
            held: u16::from_le_bytes(self.array()?),
            doubts: u8::from_le_bytes(self.array()?),
        };
        let succeeded = u8::from_le_bytes(self.array()?);
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
        Some(CircuitBreaker {
            state,
            generation,
            changed_at,
            until,
            exponent,
            tripped_by,
            probes: Probes { leases, succeeded },
            ramp,
            next_step_at,
            step,
            consecutive,
            last_success,
            abandoned: ConsecutiveFailures::default(),
            last_response: last_success,
            window: Window::from_parts(head, ring),
            clients: Clients::default(),
            probe_clients: [ClientId::UNKNOWN; MAX_PERMITS],
            failed_probers: [None; FAILED_PROBERS],
            probe_failed_at: Timestamp::EPOCH,
            bucket_width,
        })
    }

    fn circuit_2(&mut self, circuit: CircuitBreaker) -> Option<CircuitBreaker> {
        let mut abandoned = ConsecutiveFailures {
            count: self.u32()?,
            since: self.time()?,
            last: self.time()?,
            ..ConsecutiveFailures::default()
        };
        let last_response = self.time()?;
        let mut consecutive = circuit.consecutive;
        self.clients(&mut consecutive.clients)?;
        self.clients(&mut abandoned.clients)?;
        let (mut failed_probers, mut probe_clients) =
            (circuit.failed_probers, circuit.probe_clients);
        self.clients(&mut failed_probers)?;
        for client in &mut probe_clients {
            *client = ClientId(self.u32()?);
        }
        let probe_failed_at = self.time()?;
        let [count] = self.array()?;
        let mut clients = Clients::default();
        for _ in 0..count {
            clients.known.push(KnownClient {
                id: ClientId(self.u32()?),
                seen: self.u32()?,
                since: self.u32()?,
                failed_at: self.u32()?,
                failed: self.u32()?,
                all: self.u32()?,
            });
        }
        Some(CircuitBreaker {
            consecutive,
            abandoned,
            last_response,
            clients,
            probe_clients,
            failed_probers,
            probe_failed_at,
            ..circuit
        })
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
        let (name, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
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
        let circuit = self.circuit()?;
        let class = ClassCircuit {
            depth: depth.into(),
            circuit: self.circuit_2(circuit)?,
            is_divided,
            standing,
            trying_until,
            only_tried,
        };
        Some((name, class))
    }

    fn counts(&mut self) -> Option<Counts> {
        Some(Counts {
            total: self.u32()?,
            failed: self.u32()?,
            slow: self.u32()?,
        })
    }
}

/// Writes places for clients: any number may be a client, so a free place is written with a flag.
fn put_clients(out: &mut Vec<u8>, clients: &[Option<ClientId>]) {
    for client in clients {
        out.push(client.is_some().into());
        put_u32s(out, &[client.unwrap_or_default().0]);
    }
}

fn put_u32s(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

fn put_times(out: &mut Vec<u8>, times: &[Timestamp]) {
    for time in times {
        out.extend_from_slice(&time.as_millis().to_le_bytes());
    }
}

fn put_counts(out: &mut Vec<u8>, counts: Counts) {
    put_u32s(out, &[counts.total, counts.failed, counts.slow]);
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
