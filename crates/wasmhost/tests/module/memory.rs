//! Nothing that a request leaves behind may stay, however many there are and whatever they send.

use super::{stages, vm};

/// So many failures in a row would open the circuit.
const UNBROKEN: &str = r#"{"breaker":{"mode":"disabled"}}"#;

/// Memory may still grow while the allocator finds its working size.
const WARM_UP: usize = 2_000;
const REQUESTS: usize = 100_000;

#[test]
fn memory_is_flat_over_100_000_requests() {
    let stages = stages::all();
    let mut vm = vm("{}");
    let mut warm = 0;
    for i in 0..WARM_UP + REQUESTS {
        if i == WARM_UP {
            warm = vm.memory_bytes();
        }
        let stage = &stages[i % stages.len()];
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.tick(1).unwrap();
    }
    println!(
        "memory: {} KiB after {WARM_UP} requests and after {REQUESTS} more",
        warm / 1024
    );
    assert_eq!(vm.memory_bytes(), warm, "it grew");
}

/// The bytes with which a client could kill the SDK's own way of reading headers, on every path.
#[test]
fn bytes_that_are_no_text_do_no_harm_10_000_times() {
    let bad: [&[u8]; 5] = [b"a\xffb", b"\xff", b"\xc3\x28", b"\x00", b"\xed\xa0\x80"];
    let names = [
        "x-foo",
        "accept",
        "accept-language",
        "user-agent",
        "x-request-id",
        ":path",
        "cookie",
    ];
    let stages = stages::all();
    let mut vm = vm(UNBROKEN);
    for i in 0..10_000 {
        let stage = &stages[i % stages.len()];
        let (value, name) = (bad[i % bad.len()], names[i % names.len()]);
        let request = stage.request.clone().header(name, value);
        let mut response = stage.response.clone();
        response = response.header("retry-after", value).header("x-bar", value);
        let seen = vm.exchange(&request, &response).unwrap();
        assert_eq!(
            stages::is_page(&seen),
            stage.replaced,
            "{}: {name}: {value:?}",
            stage.name
        );
    }
    assert_eq!(vm.take_misuse(), Vec::<String>::new());
}

/// Streams that are open at the same time are independent, and go when they are deleted.
#[test]
fn open_streams_do_not_mix() {
    let stages = stages::all();
    let mut vm = vm(UNBROKEN);
    let mut warm = 0;
    for round in 0..30 {
        let ids: Vec<_> = (0..200).map(|_| vm.open().unwrap()).collect();
        for (i, id) in ids.iter().enumerate() {
            let stage = &stages[i % stages.len()];
            let seen = vm
                .exchange_on(*id, &stage.request, &stage.response)
                .unwrap();
            assert_eq!(stages::is_page(&seen), stage.replaced, "{}", stage.name);
        }
        for id in ids.into_iter().rev() {
            vm.finish(id).unwrap();
        }
        if round == 9 {
            warm = vm.memory_bytes();
        }
    }
    assert_eq!(vm.memory_bytes(), warm, "it grew");
}
