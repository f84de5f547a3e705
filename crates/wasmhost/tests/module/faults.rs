//! Whatever a host call returns, the module does not trap, and does not leave a response half changed.

use tidegate_wasmhost::{status, Call, Fault, Faults, Seen, Vm, World};

use super::stages::{self, Stage};
use super::{copy_of_started, host, vm};

/// The number of different wrong data tried for each call.
const VARIATIONS: u64 = 6;

/// What the client must get if a host call of the module fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// The response, byte for byte.
    Pass,
    /// The page, because it does not depend on the call.
    Replace,
    /// Either of the two, but not a mixture.
    Either,
    /// Anything, without a trap. The host claims a change that it did not make, or refuses one after the
    /// headers were sent, so that a filter can do nothing about it.
    Survive,
}

fn must(call: Call, fault: Fault) -> Must {
    let refuses = matches!(fault, Fault::Status(status) if status != status::OK);
    match call {
        Call::SetBufferBytes => Must::Survive,
        Call::SetHeaderMapPairs if !refuses => Must::Survive,
        Call::SetHeaderMapPairs | Call::SendLocalResponse => Must::Pass,
        Call::GetHeaderMapPairs | Call::GetHeaderMapValue if refuses => Must::Pass,
        Call::Log | Call::GetLogLevel | Call::GetCurrentTime => Must::Replace,
        _ => Must::Either,
    }
}

/// Panics unless the client got what it must get.
fn check(must: Must, stage: &Stage, seen: &Seen, vm: &mut Vm, what: &str) {
    let misuse = vm.take_misuse();
    let untouched = stages::is_untouched(stage, seen);
    let page = stages::is_page(seen);
    let holds = match must {
        Must::Survive => return,
        // A failure that would pass because of its headers may be replaced if they cannot be read.
        Must::Either if stage.failed() => untouched || page,
        _ if !stage.replaced => untouched,
        Must::Pass => untouched,
        Must::Replace => page,
        Must::Either => untouched || page,
    };
    let shown = stages::show(seen);
    assert!(
        holds && misuse.is_empty(),
        "{what}: not {must:?}: {misuse:?}\n{shown}"
    );
}

/// Returns the host calls of a stage.
fn calls_of(stage: &Stage) -> Vec<Call> {
    let mut vm = vm("{}");
    vm.reset_counts();
    vm.exchange(&stage.request, &stage.response).unwrap();
    vm.counts().calls_out.keys().copied().collect()
}

#[test]
fn stages_end_as_expected_without_faults() {
    for stage in stages::all() {
        let mut vm = vm("{}");
        let seen = vm.exchange(&stage.request, &stage.response).unwrap();
        let (page, untouched) = (stages::is_page(&seen), stages::is_untouched(&stage, &seen));
        let expected = (stage.replaced, !stage.replaced);
        assert_eq!(
            (page, untouched),
            expected,
            "{}: {}",
            stage.name,
            stages::show(&seen)
        );
        assert_eq!(vm.take_misuse(), Vec::<String>::new(), "{}", stage.name);
    }
}

#[test]
fn no_repeated_fault_traps_or_leaves_a_response_half_changed() {
    for stage in stages::all() {
        for call in calls_of(&stage) {
            for (fault, faults) in Fault::all_of(call, VARIATIONS) {
                // The module logs failures, which may fail too.
                let deaf = faults.clone().and_always(Call::Log, Fault::Status(10));
                for faults in [faults, deaf] {
                    let what = format!("{}: {call:?} {fault:?}", stage.name);
                    let mut vm = copy_of_started("{}");
                    vm.set_faults(faults);
                    let seen = vm.exchange(&stage.request, &stage.response);
                    let seen = seen.unwrap_or_else(|trap| panic!("{what}: {trap}"));
                    assert!(vm.faults().injected() > 0, "{what}: was not made");
                    check(must(call, fault), &stage, &seen, &mut vm, &what);
                }
            }
        }
    }
}

/// One call fails, and all others succeed.
#[test]
fn no_single_failure_traps_or_leaves_a_response_half_changed() {
    for stage in stages::all() {
        for call in calls_of(&stage) {
            for (fault, _) in Fault::all_of(call, 1) {
                for n in 0.. {
                    let what = format!("{}: {call:?} number {n} {fault:?}", stage.name);
                    let mut vm = copy_of_started("{}");
                    vm.set_faults(Faults::nth(call, n, fault));
                    let seen = vm.exchange(&stage.request, &stage.response);
                    let seen = seen.unwrap_or_else(|trap| panic!("{what}: {trap}"));
                    if vm.faults().injected() == 0 {
                        break;
                    }
                    let must = match must(call, fault) {
                        Must::Survive => Must::Survive,
                        // The second call is for trailers, which then follow the page.
                        _ if call == Call::SetHeaderMapPairs && n > 0 => Must::Survive,
                        _ => Must::Either,
                    };
                    check(must, &stage, &seen, &mut vm, &what);
                }
            }
        }
    }
}

/// At the start there is no earlier configuration that could stay in force.
#[test]
fn all_traffic_passes_after_a_failed_start() {
    let stages = stages::all();
    let refused = Faults::always(Call::GetBufferBytes, Fault::Status(2));
    let mut vm = host().start_with(&World::new(), b"{}", refused).unwrap();
    assert!(!vm.configured());
    let log = vm.take_log();
    assert!(
        log.iter().any(|line| line.level == 4),
        "no error was logged: {log:?}"
    );

    for call in Call::ALL {
        for (fault, faults) in Fault::all_of(*call, VARIATIONS) {
            let what = format!("{call:?} {fault:?} at the start");
            for config in [&b"{}"[..], b"", br#"{"mode": "enforce"}"#] {
                let started = host().start_with(&World::new(), config, faults.clone());
                let mut vm = started.unwrap_or_else(|trap| panic!("{what}: {trap}"));
                if vm.faults().injected() == 0 {
                    continue;
                }
                vm.set_faults(Faults::none());
                for stage in &stages {
                    let seen = vm.exchange(&stage.request, &stage.response).unwrap();
                    let must = if vm.configured() {
                        Must::Either
                    } else {
                        Must::Pass
                    };
                    check(must, stage, &seen, &mut vm, &what);
                }
            }
        }
    }
}
