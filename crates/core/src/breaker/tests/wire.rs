//! The bytes of a circuit in shared data.

mod version_1;
mod version_2;

use proptest::prelude::*;

use super::*;
use crate::breaker::admissions::{Admissions, MAX_TAKERS};
use crate::breaker::circuit::gate::{GateState, TokenBucket};
use crate::breaker::circuit::recovery::RecoveryState;
use crate::breaker::circuit::FAILED_PROBERS;
use crate::breaker::clients::{Clients, KnownClient, MAX_CLIENTS};
use crate::breaker::probes::{Lease, Probes, MAX_PERMITS};
use crate::breaker::ramp::Ramp;
use crate::breaker::route::{ClassCircuit, Standing, MAX_CLASSES};
use crate::breaker::unsynced::{ConsecutiveFailures, SEQUENCE_CLIENTS};
use crate::breaker::window::{bucket_width, Counts, Window, BUCKETS};

fn counts() -> impl Strategy<Value = Counts> {
    any::<(u32, u32, u32)>().prop_map(|(total, failed, slow)| Counts {
        total,
        failed,
        slow,
    })
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

fn lease() -> impl Strategy<Value = Option<Lease>> {
    let lease = (any::<u32>(), time()).prop_map(|(generation, at)| Lease::new(generation, at));
    prop::option::of(lease)
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(vec![
        State::Closed,
        State::Open,
        State::HalfOpen,
        State::Ramp,
    ])
}

fn client() -> impl Strategy<Value = ClientId> {
    any::<u32>().prop_map(ClientId)
}

fn known_client() -> impl Strategy<Value = KnownClient> {
    (client(), any::<(u32, u32, u32, u32, u32)>()).prop_map(
        |(id, (seen, since, failed_at, failed, all))| KnownClient {
            id,
            seen,
            since,
            failed_at,
            failed,
            all,
        },
    )
}

fn sequence() -> impl Strategy<Value = ConsecutiveFailures> {
    let clients = prop::collection::vec(prop::option::of(client()), SEQUENCE_CLIENTS);
    (any::<u32>(), time(), time(), clients).prop_map(|(count, since, last, clients)| {
        let clients = clients.try_into().unwrap();
        ConsecutiveFailures {
            count,
            since,
            last,
            clients,
        }
    })
}

fn clients() -> impl Strategy<
    Value = (
        Clients,
        [ClientId; MAX_PERMITS],
        [Option<ClientId>; FAILED_PROBERS],
    ),
> {
    let known = prop::collection::vec(known_client(), 0..=MAX_CLIENTS);
    let probes = prop::collection::vec(client(), MAX_PERMITS);
    let failed = prop::collection::vec(prop::option::of(client()), FAILED_PROBERS);
    (known, probes, failed).prop_map(|(known, probes, failed)| {
        (
            Clients { known },
            probes.try_into().unwrap(),
            failed.try_into().unwrap(),
        )
    })
}

prop_compose! {
    fn any_class()(
        depth in 1_usize..6,
        circuit in any_circuit(),
        (is_divided, only_tried) in any::<(bool, bool)>(),
        standing in prop::sample::select(vec![Standing::Unknown, Standing::Good, Standing::Failing]),
        trying_until in time(),
    ) -> ClassCircuit {
        ClassCircuit { depth, circuit, is_divided, standing, trying_until, only_tried }
    }
}

prop_compose! {
    fn any_circuits()(
        route in any_circuit(),
        classes in prop::collection::btree_map("[a-z./é]{0,60}", any_class().prop_map(Box::new), 0..8),
        (watched_since, tries_since) in (time(), time()),
        (changes, tries_cost) in any::<(u32, u32)>(),
        (healthy_rate, known_rate) in (rate(), rate()),
        latency_ms in any::<u32>(),
    ) -> RouteCircuits {
        RouteCircuits {
            route, classes, watched_since, healthy_rate, known_rate, changes,
            known_latency: millis(latency_ms.into()),
            tries: (tries_since, tries_cost),
        }
    }
}

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1e9_f64]
}

prop_compose! {
    fn any_ramp()(
        (rate, usual, target, wait_before) in (rate(), rate(), rate(), rate()),
        (best, calm, doubts, easings, held) in any::<(u32, u16, u8, u8, u8)>(),
    ) -> Ramp {
        Ramp { rate, usual, target, best, calm, doubts, easings, held, wait_before }
    }
}

prop_compose! {
    fn any_token_bucket()(tokens in -1e6..1e6_f64, filled_at in time()) -> TokenBucket {
        TokenBucket { tokens, filled_at }
    }
}

fn admissions() -> impl Strategy<Value = Admissions> {
    let known = prop::collection::vec((client(), any::<u32>()), 0..=MAX_TAKERS);
    known.prop_map(|known| Admissions { known })
}

prop_compose! {
    fn any_gate()(
        (token_bucket, admissions) in (any_token_bucket(), admissions()),
        (admitted, rejected, offered_before, share) in any::<(u32, u32, u32, u32)>(),
        (beyond_part, beyond_part_before) in any::<(u32, u32)>(),
        (answered, in_flight, least_in_flight) in any::<(u32, u32, u32)>(),
    ) -> GateState {
        GateState {
            token_bucket, admissions, admitted, rejected, answered, in_flight, least_in_flight,
            offered_before, share, beyond_part, beyond_part_before,
        }
    }
}

prop_compose! {
    fn any_circuit()(
        state in state(),
        (generation, bucket_ms, exponent) in any::<(u32, u32, u8)>(),
        (ramp, gate) in (any_ramp(), any_gate()),
        succeeded in any::<u8>(),
        (changed_at, until, next_step_at) in (time(), time(), time()),
        (last_success, last_response, probe_failed_at) in (time(), time(), time()),
        tripped_by in prop::sample::select(Reason::ALL),
        leases in prop::collection::vec(lease(), MAX_PERMITS),
        step in counts(),
        (consecutive, abandoned) in (sequence(), sequence()),
        (clients, probe_clients, failed_probers) in clients(),
        head in any::<u64>(),
        ring in prop::collection::vec(counts(), BUCKETS),
    ) -> CircuitBreaker {
        CircuitBreaker {
            state, generation, changed_at, until, exponent, tripped_by,
            recovery: RecoveryState {
                probes: Probes { leases: leases.try_into().unwrap(), succeeded },
                ramp, gate, next_step_at, step,
                probe_clients, failed_probers, probe_failed_at,
            }.into(),
            consecutive, last_success, abandoned, last_response, clients,
            window: Window::from_parts(head, ring.try_into().unwrap()),
            bucket_width: millis(bucket_ms.into()),
        }
    }
}

/// Returns the window of the records of earlier versions in which each field has a value of its own.
fn window_of_old_records() -> Window {
    let mut ring = [Counts::default(); BUCKETS];
    for (n, bucket) in (0_u32..).zip(&mut ring) {
        *bucket = Counts {
            total: 100 + n,
            failed: 50 + n,
            slow: n,
        };
    }
    Window::from_parts(0x0a0b, ring)
}

proptest! {
    #[test]
    fn decoding_reverses_encoding(original in any_circuits()) {
        prop_assert_eq!(RouteCircuits::decode(&original.encode()), Some(original));
    }

    /// Any bytes decode without a panic, and only to circuits that are written as these bytes.
    #[test]
    fn other_bytes_are_not_decoded(
        original in any_circuits(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = original.encode();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(length.index(bytes.len()));
        }
        if let Some(circuits) = RouteCircuits::decode(&bytes) {
            let is_before = bytes[0] < 3;
            prop_assert!(is_before || circuits.encode() == bytes);
        }
    }

    /// From any decoded circuit, time and successful probes lead to the closed state, without a
    /// panic.
    #[test]
    fn any_decoded_circuit_recovers(original in any_circuit(), now_ms in START.as_millis()..2 * START.as_millis()) {
        let settings = settings(|_| {});
        let now = Timestamp::from_millis(now_ms);
        let mut circuit = TestCircuit { circuit: original, settings, now, draw: 0.9, usual: Usual::default() };
        circuit.circuit.bucket_width = Duration::from_secs(1);
        // No writer of this version writes an open time longer than an hour.
        let longest = circuit.circuit.changed_at.saturating_add(millis(3_600_000));
        circuit.circuit.until = circuit.circuit.until.min(longest);
        for _ in 0..4_000 {
            circuit.wait(1_000);
            circuit.pass_probes();
        }
        prop_assert_eq!(circuit.circuit.state, State::Closed);
        circuit.record(20, FAILURE);
        prop_assert_eq!(circuit.circuit.state, State::Open);
    }
}

#[test]
fn other_versions_lengths_and_values_are_not_decoded() {
    let bytes = RouteCircuits::new(&settings(|_| {})).encode();
    let decode = RouteCircuits::decode;
    assert!(decode(&bytes).is_some());
    for version in (0..=255).filter(|version| *version != bytes[0]) {
        let mut other = bytes.clone();
        other[0] = version;
        assert_eq!(decode(&other), None, "version {version}");
    }
    let mut state = bytes.clone();
    state[1] = 4;
    assert_eq!(decode(&state), None);
    let mut reason = bytes.clone();
    reason[3] = u8::try_from(Reason::ALL.len()).unwrap();
    assert_eq!(decode(&reason), None);
    reason[3] -= 1;
    assert!(decode(&reason).is_some());
    assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    assert_eq!(decode(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(decode(&[]), None);
}

#[test]
fn a_record_with_all_classes_is_bounded() {
    let mut circuits = RouteCircuits::new(&settings(|_| {}));
    let mut circuit = circuits.route.clone();
    for n in 0..20 {
        let client = ClientId(n);
        circuit.clients.note(client, 1_000);
    }
    for n in 0..100 {
        circuit.recovery.gate.admissions.add(ClientId(n), 1_000);
    }
    for n in 0..MAX_CLASSES {
        let class = ClassCircuit {
            depth: 5,
            circuit: circuit.clone(),
            is_divided: false,
            standing: Standing::Failing,
            trying_until: START,
            only_tried: false,
        };
        circuits
            .classes
            .insert(format!("{n:0>200}"), Box::new(class));
    }
    let size = circuits.encode().len();
    assert!(size < 80 * 1024, "{size} bytes");
}

#[test]
fn bucket_width_is_a_tenth_of_the_window() {
    for (window_ms, width) in [
        (10_000, 1_000),
        (1_000, 100),
        (600_000, 60_000),
        (0, 1),
        (19, 1),
    ] {
        let settings = settings(|s| s.window = millis(window_ms));
        assert_eq!(bucket_width(&settings), millis(width));
        assert_eq!(CircuitBreaker::new(&settings).bucket_width, millis(width));
    }
}

#[test]
fn states_have_documented_names() {
    let all = [State::Closed, State::Open, State::HalfOpen, State::Ramp];
    assert_eq!(
        all.map(State::as_str),
        ["closed", "open", "half_open", "ramp"]
    );
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
