//! Uploads as probes: one that is slow says nothing, and must not keep a circuit half-open.

use super::*;

#[test]
fn uploads_leave_the_first_second_of_probes_to_other_requests() {
    let json = r#"{"breaker":{"open":{"jitter":0},"probe":{"permits":1}}}"#;
    let upload = [(":method", "POST"), ("content-length", "9")];
    let grpc = [(":method", "POST"), ("content-type", "application/grpc")];
    for (ms, headers, is_probe) in [
        (0, &upload[..], false),
        (999, &upload, false),
        (1_000, &upload, true),
        (0, &grpc, true),
        (0, &[], true),
    ] {
        for tick in [false, true] {
            let mut world = World::new(json);
            world.trip();
            // Whether the worker knows already that the open time is over.
            if tick {
                world.tick(2_000);
                world.advance(ms);
            } else {
                world.advance(2_000 + ms);
            }
            let passes = world.begin(headers).1.is_none();
            assert_eq!(passes, is_probe, "{ms} {headers:?} {tick}");
        }
    }
}

#[test]
fn an_upload_without_an_answer_holds_a_permit_for_a_second() {
    let json = r#"{"breaker":{"open":{"jitter":0},"probe":{"permits":1}}}"#;
    let upload = [(":method", "POST"), ("content-length", "9")];
    let mut world = World::new(json);
    world.trip();
    world.advance(3_000);
    let (mut slow, reply) = world.begin(&upload);
    assert_eq!(reply, None, "it is a probe");
    world.advance(999);
    assert!(world.begin(&[]).1.is_some());
    world.advance(1);
    assert_eq!(
        world.begin(&[]).1,
        None,
        "the permit goes to another request"
    );
    // The answer counts when it comes.
    world.respond(&mut slow, 200, VIA, &[]);
    assert_eq!(world.circuit(), State::Ramp);
}
