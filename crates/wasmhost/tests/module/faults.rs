//! Whatever a host call answers, the module never traps, and what it cannot do whole it leaves.

use tidegate_wasmhost::{status, Call, Fault, Faults, Seen, Vm, World};

use super::stages::{self, Stage};
use super::{host, vm};

/// How many ways of bad data are tried for each call.
const VARIATIONS: u64 = 6;

/// What must become of a failure when one of the module's own host calls fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// The response passes byte for byte.
    Pass,
    /// The page goes out: the call only adds to it.
    Replace,
    /// Either of the two, but nothing in between.
    Either,
    /// No trap. The host claims a change that it did not make, or refuses one after the headers are
    /// gone: there is nothing left that a filter could do.
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

/// Fails unless the client got what it must get.
fn check(must: Must, stage: &Stage, seen: &Seen, vm: &mut Vm, what: &str) {
    let misuse = vm.take_misuse();
    let untouched = stages::is_untouched(stage, seen);
    let page = stages::is_page(seen);
    let holds = match must {
        Must::Survive => return,
        // The exception is a failure that would pass by what its headers say, if they could be read.
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

/// The host calls of a stage: only these can be broken.
fn calls_of(stage: &Stage) -> Vec<Call> {
    let mut vm = vm("{}");
    vm.reset_counts();
    vm.exchange(&stage.request, &stage.response).unwrap();
    vm.counts().calls_out.keys().copied().collect()
}

#[test]
fn stages_are_what_they_say() {
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
fn no_answer_of_the_host_traps_or_leaves_a_response_half_changed() {
    for stage in stages::all() {
        for call in calls_of(&stage) {
            for (fault, faults) in Fault::all_of(call, VARIATIONS) {
                // A module in trouble logs; that may fail too.
                let deaf = faults.clone().and_always(Call::Log, Fault::Status(10));
                for faults in [faults, deaf] {
                    let what = format!("{}: {call:?} {fault:?}", stage.name);
                    let mut vm = vm("{}");
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

/// A call that fails once, in the middle of others that succeed.
#[test]
fn no_single_failure_traps_or_leaves_a_response_half_changed() {
    for stage in stages::all() {
        for call in calls_of(&stage) {
            for (fault, _) in Fault::all_of(call, 1) {
                for n in 0.. {
                    let what = format!("{}: {call:?} number {n} {fault:?}", stage.name);
                    let mut vm = vm("{}");
                    vm.set_faults(Faults::nth(call, n, fault));
                    let seen = vm.exchange(&stage.request, &stage.response);
                    let seen = seen.unwrap_or_else(|trap| panic!("{what}: {trap}"));
                    if vm.faults().injected() == 0 {
                        break;
                    }
                    let must = match must(call, fault) {
                        Must::Survive => Must::Survive,
                        // The second time it is about trailers; they stay then, behind a page.
                        _ if call == Call::SetHeaderMapPairs && n > 0 => Must::Survive,
                        _ => Must::Either,
                    };
                    check(must, &stage, &seen, &mut vm, &what);
                }
            }
        }
    }
}

/// At the start there is no configuration in force to fall back to: all traffic passes.
#[test]
fn a_start_that_fails_leaves_traffic_alone() {
    let stages = stages::all();
    let refused = Faults::always(Call::GetBufferBytes, Fault::Status(2));
    let mut vm = host().start_with(&World::new(), b"{}", refused).unwrap();
    assert!(!vm.configured());
    let log = vm.take_log();
    assert!(
        log.iter().any(|line| line.level == 4),
        "nothing was said about it: {log:?}"
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
