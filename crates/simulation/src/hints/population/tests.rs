use super::*;
use crate::control::Kind;
use crate::crowd::HintKind;
use crate::scenario::{Incident, Scenario};
use crate::world::{self, tests::setup, Second};

#[test]
fn only_those_who_are_not_to_obey_ask_every_second() {
    for (population, obey, want) in [
        (Population::Obey, None, 1.0),
        (Population::Obey, Some(0.2), 1.0),
        (Population::EverySecond, None, 0.7),
        (Population::EverySecond, Some(0.2), 0.2),
        (Population::Hammer, None, 1.0),
        (Population::SmallSite, None, 1.0),
        (Population::OneAddress, None, 1.0),
    ] {
        let setup = population.of(setup(), obey);
        assert_eq!(setup.obey, want, "{population:?} {obey:?}");
        assert_eq!(setup.restless, Restless::EverySecond);
        assert_eq!(setup.has_one_address, population == Population::OneAddress);
    }
}

#[test]
fn one_population_has_a_hammer_and_one_a_monitor() {
    let hammer = |population: Population| population.of(setup(), None).hammer;
    for population in [
        Population::Obey,
        Population::EverySecond,
        Population::OneAddress,
    ] {
        assert_eq!(hammer(population), None, "{population:?}");
    }
    for (population, per_second, from_ms) in [
        (Population::Hammer, 50, BEFORE_MS),
        (Population::SmallSite, 5, 0),
    ] {
        let want = Hammer {
            per_second,
            from_ms,
        };
        assert_eq!(hammer(population), Some(want), "{population:?}");
    }
}

/// Returns the visitors' rejected requests of the last five seconds of an outage of 20 s, in which 50
/// come per second and are told to come back after 5 s; and all requests of the hammer.
fn rejected(population: Population) -> (u32, u32) {
    let setup = Setup {
        incident: Incident::new(Scenario::Outage, 50.0, 75.0, 20_000),
        rate: 50.0,
        hints: HintKind::Fixed5,
        ..setup()
    };
    let setup = population.of(setup, None);
    let series = world::run(&setup, Kind::Tidegate, 1, &mut |_| ());
    let last = &series.seconds[35..40];
    (
        last.iter().map(|second| second.rejected).sum(),
        last.iter().map(Second::hammer).sum(),
    )
}

#[test]
fn clients_ask_as_often_as_their_population_says() {
    let about = |count: u32, want: u32| count.abs_diff(want) < want / 10;
    // 250 are new, and 750 have come before and ask once.
    for (population, of_hammer) in [
        (Population::Obey, 0),
        (Population::Hammer, 250),
        (Population::SmallSite, 25),
        (Population::OneAddress, 0),
    ] {
        let (of_visitors, found) = rejected(population);
        assert!(about(of_visitors, 1_000), "{population:?}: {of_visitors}");
        assert_eq!(found, of_hammer, "{population:?}");
    }
    // 250 are new, 525 ask once, and 15 who came in each earlier second ask in each second.
    let (of_visitors, of_hammer) = rejected(Population::EverySecond);
    let in_every_second = 15 * (15 + 16 + 17 + 18 + 19);
    assert!(
        about(of_visitors, 250 + 525 + in_every_second),
        "{of_visitors}"
    );
    assert_eq!(of_hammer, 0);
}
