//! Records of version 1, of the circuit of a route alone.

use super::*;

/// A record that a module of version 0.1 wrote, in hexadecimal; each field has a value of its own.
const ALL_FIELDS: &str = "\
    0102030504030201e803000001000000020000000300000004000502110000000000000008070605\
    04030201220000000000000000000000000000000102030405060403000000000000000000000000\
    00000000000000000000000000000000000000000000000000000000000000000000000000000000\
    00000000ffffffffffff0303060000000700000008000000090000000a000000000000000b000000\
    000000000c000000000000000b0a0000000000006400000032000000000000006500000033000000\
    01000000660000003400000002000000670000003500000003000000680000003600000004000000\
    6900000037000000050000006a00000038000000060000006b00000039000000070000006c000000\
    3a000000080000006d0000003b00000009000000";

#[test]
fn a_record_is_read_without_its_ramp() {
    let mut circuit = CircuitBreaker::new(&settings(|_| {}));
    let ms = Timestamp::from_millis;
    circuit.state = State::HalfOpen;
    circuit.generation = 0x0102_0304;
    circuit.changed_at = ms(0x11);
    circuit.until = ms(0x0102_0304_0506_0708);
    circuit.exponent = 3;
    circuit.tripped_by = Reason::DnsError;
    circuit.recovery.probes.succeeded = 2;
    circuit.recovery.probes.leases[1] = Some(Lease::new(0x0102_0304, ms(0x0605_0403_0201)));
    circuit.recovery.probes.leases[9] = Some(Lease::new(0x0102_0303, ms(u64::MAX)));
    circuit.recovery.ramp = Ramp::of_unknown_route();
    circuit.recovery.next_step_at = ms(0x22);
    circuit.recovery.step = Counts {
        total: 6,
        failed: 7,
        slow: 8,
    };
    circuit.consecutive = ConsecutiveFailures {
        count: 9,
        since: ms(10),
        last: ms(11),
        ..ConsecutiveFailures::default()
    };
    circuit.last_success = ms(12);
    circuit.last_response = ms(12);
    circuit.window = window_of_old_records();
    let expected = RouteCircuits {
        route: circuit,
        changes: 0x0102_0304,
        ..RouteCircuits::new(&settings(|_| {}))
    };
    let bytes = from_hex(ALL_FIELDS);
    assert_eq!(RouteCircuits::decode(&bytes), Some(expected.clone()));
    // It is written as a record of this version.
    assert_eq!(RouteCircuits::decode(&expected.encode()), Some(expected));
    let longer = [&bytes[..], &[0]].concat();
    for bytes in [&bytes[1..], &bytes[..bytes.len() - 1], &longer] {
        assert_eq!(RouteCircuits::decode(bytes), None);
    }
    for version in [0, 2, 3, 4, 255] {
        let mut other = bytes.clone();
        other[0] = version;
        assert_eq!(RouteCircuits::decode(&other), None, "version {version}");
    }
}
