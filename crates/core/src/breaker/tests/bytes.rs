//! The bytes of a record, and what a route costs.

use proptest::prelude::*;

use super::probes::{Lease, Probes, MAX_PERMITS};
use super::record::{bucket_ms, Run, SIZE};
use super::window::{Counts, Window, BUCKETS};
use super::*;
use crate::breaker::ramp::Ramp;

fn counts() -> impl Strategy<Value = Counts> {
    any::<(u32, u32, u32)>().prop_map(|(total, failed, slow)| Counts {
        total,
        failed,
        slow,
    })
}

fn lease() -> impl Strategy<Value = Lease> {
    prop_oneof![
        Just(Lease::FREE),
        any::<(u32, u64)>().prop_map(|(generation, at)| Lease::out(generation, at)),
    ]
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(vec![
        State::Closed,
        State::Open,
        State::HalfOpen,
        State::Ramp,
    ])
}

prop_compose! {
    fn any_record()(
        state in state(),
        (generation, bucket_ms, exponent) in any::<(u32, u32, u8)>(),
        (level, target, best, held, doubts) in any::<(u32, u32, u32, u16, u8)>(),
        succeeded in any::<u8>(),
        (changed_ms, until_ms, step_ms, last_success_ms) in any::<(u64, u64, u64, u64)>(),
        tripped_by in prop::sample::select(Reason::ALL),
        leases in prop::collection::vec(lease(), MAX_PERMITS),
        step in counts(),
        (count, since_ms, last_ms) in any::<(u32, u64, u64)>(),
        head in any::<u64>(),
        ring in prop::collection::vec(counts(), BUCKETS),
    ) -> Record {
        Record {
            state, generation, changed_ms, until_ms, exponent, tripped_by,
            probes: Probes::with_leases(leases.try_into().unwrap(), succeeded),
            ramp: Ramp { level, target, best, held, doubts }, step_ms, step,
            run: Run { count, since_ms, last_ms },
            last_success_ms,
            window: Window::from_parts(head, ring.try_into().unwrap()),
            bucket_ms,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(record in any_record()) {
        let bytes = record.encode();
        prop_assert_eq!(bytes.len(), SIZE);
        prop_assert_eq!(Record::decode(&bytes), Some(record));
    }

    /// Whatever the bytes: no panic, and no record of another version or length.
    #[test]
    fn garbage_is_no_record(bytes in prop::collection::vec(any::<u8>(), 0..2 * SIZE)) {
        if let Some(record) = Record::decode(&bytes) {
            prop_assert_eq!(bytes.len(), SIZE);
            prop_assert_eq!(record.encode(), bytes);
        }
    }

    /// Whatever a record says, time moves it to a state that works: within the time it may take at
    /// most, probes that succeed close it, and no call panics.
    #[test]
    fn any_record_comes_back_to_life(record in any_record(), now_ms in START_MS..2 * START_MS) {
        let settings = settings(|_| {});
        let mut alone = Alone { record, settings, now_ms, draw: 0.9 };
        alone.record.bucket_ms = 1_000;
        // What no writer of this version writes: an open time longer than an hour.
        let longest = alone.record.changed_ms.saturating_add(3_600_000);
        alone.record.until_ms = alone.record.until_ms.min(longest);
        for _ in 0..4_000 {
            alone.pass(1_000);
            alone.probe_well();
        }
        prop_assert_eq!(alone.record.state, State::Closed);
        alone.tell(20, FAILED);
        prop_assert_eq!(alone.record.state, State::Open);
    }
}

#[test]
fn other_versions_lengths_and_values_are_not_understood() {
    let bytes = Record::new(&settings(|_| {})).encode();
    assert!(Record::decode(&bytes).is_some());
    for version in (0..=255).filter(|version| *version != bytes[0]) {
        let mut other = bytes.clone();
        other[0] = version;
        assert_eq!(Record::decode(&other), None, "version {version}");
    }
    let mut state = bytes.clone();
    state[1] = 4;
    assert_eq!(Record::decode(&state), None);
    let mut reason = bytes.clone();
    reason[3] = u8::try_from(Reason::ALL.len()).unwrap();
    assert_eq!(Record::decode(&reason), None);
    reason[3] -= 1;
    assert!(Record::decode(&reason).is_some());
    assert_eq!(Record::decode(&bytes[..SIZE - 1]), None);
    assert_eq!(Record::decode(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(Record::decode(&[]), None);
}

/// Records outlive a module: one of a later release must still read them, or raise the version.
#[test]
fn the_layout_of_version_1() {
    let mut alone = Alone::new(|_| {});
    alone.tell(2, Outcome::Failure(Reason::DnsError));
    alone.record.generation = 0x0102_0304;
    let bytes = alone.record.encode();
    assert_eq!(bytes.len(), 300);
    assert_eq!(
        bytes[..16],
        [1, 0, 0, 5, 4, 3, 2, 1, 0xE8, 3, 0, 0, 0, 0, 0, 0]
    );
    let index = usize::try_from((START_MS / 1_000) % 10).unwrap();
    let bucket = &bytes[300 - 120 + index * 12..][..12];
    assert_eq!(bucket, [2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn the_shape_of_a_window_is_the_width_of_its_buckets() {
    for (window_ms, width) in [
        (10_000, 1_000),
        (1_000, 100),
        (600_000, 60_000),
        (0, 1),
        (19, 1),
    ] {
        let settings = settings(|s| s.window = std::time::Duration::from_millis(window_ms));
        assert_eq!(bucket_ms(&settings), width);
        assert_eq!(Record::new(&settings).bucket_ms, width);
    }
}

#[test]
fn states_have_the_names_of_the_documentation() {
    let all = [State::Closed, State::Open, State::HalfOpen, State::Ramp];
    assert_eq!(
        all.map(State::as_str),
        ["closed", "open", "half_open", "ramp"]
    );
}
