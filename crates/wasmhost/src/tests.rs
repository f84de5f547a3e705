//! Tests of the host itself: if it differed from Envoy, the other tests would prove nothing.

use crate::abi::{status, Call, Gives, MapType, Phase};
use crate::calls::copy_from;
use crate::fault::{Fault, Faults};
use crate::pairs::{pairs_from_bytes, pairs_to_bytes, Headers};
use crate::property::{int, key, lookup, Property};
use crate::state::{State, Stream};
use crate::world::World;

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs
        .iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect()
}

#[test]
fn pairs_are_encoded_as_in_the_abi() {
    let block = pairs_to_bytes(&headers(&[("a", "bc"), ("d", "")]));
    assert_eq!(
        block,
        b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0"
    );
    assert_eq!(
        pairs_from_bytes(&block),
        Some(headers(&[("a", "bc"), ("d", "")]))
    );
    assert_eq!(pairs_from_bytes(b""), Some(Vec::new()));
    assert_eq!(pairs_from_bytes(&[0; 4]), Some(Vec::new()));
}

#[test]
fn malformed_or_too_many_pairs_are_not_decoded() {
    let good = pairs_to_bytes(&headers(&[("a", "bc"), ("d", "")]));
    for cut in 1..good.len() {
        assert_eq!(pairs_from_bytes(&good[..cut]), None, "cut at {cut}");
    }
    for at in 0..20 {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        assert_eq!(pairs_from_bytes(&bad), None, "changed at {at}");
    }
    assert_eq!(pairs_from_bytes(&[&good[..], b"x"].concat()), None);
    let many: Headers = vec![(b"a".to_vec(), b"b".to_vec()); 1025];
    assert_eq!(pairs_from_bytes(&pairs_to_bytes(&many)), None);
}

#[test]
fn a_buffer_can_only_be_replaced_whole_prepended_or_appended_to() {
    for (start, len, expected) in [
        (0, 0, Ok("new+old")),
        (0, 3, Ok("new+")),
        (0, 99, Ok("new+")),
        (0, 2, Err(status::BAD_ARGUMENT)),
        (1, 1, Err(status::BAD_ARGUMENT)),
        (3, 0, Ok("oldnew+")),
        (9, 9, Ok("oldnew+")),
    ] {
        let mut body = b"old".to_vec();
        let result = copy_from(&mut body, start, len, b"new+");
        let body = String::from_utf8(body).unwrap();
        assert_eq!(result.map(|()| body.as_str()), expected, "{start} {len}");
    }
    let mut empty = Vec::new();
    copy_from(&mut empty, 0, 0, b"page").unwrap();
    assert_eq!(empty, b"page");
}

#[test]
fn compare_and_swap_guards_updates_but_not_creation() {
    let world = World::new();
    assert_eq!(world.set_shared(b"k", b"1", 12_345), status::OK);
    let (_, cas) = world.shared(b"k").unwrap();
    assert_eq!(world.set_shared(b"k", b"2", cas), status::OK);
    assert_eq!(world.set_shared(b"k", b"3", cas), status::CAS_MISMATCH);
    assert_eq!(world.set_shared(b"k", b"4", 0), status::OK);
    assert_eq!(world.shared(b"k").unwrap().0, b"4");
    assert_eq!(world.shared_keys(), [b"k"]);
}

#[test]
fn metrics_are_shared_by_name_and_refuse_what_their_kind_refuses() {
    let world = World::new();
    let counter = world.define(0, "c").unwrap();
    assert_eq!(world.define(0, "c"), Some(counter));
    let gauge = world.define(1, "g").unwrap();
    let histogram = world.define(2, "h").unwrap();
    assert_eq!(world.define(3, "x"), None);
    for (id, offset, expected) in [
        (counter, 2, Ok(())),
        (counter, 0, Err(status::BAD_ARGUMENT)),
        (counter, -1, Err(status::BAD_ARGUMENT)),
        (gauge, 5, Ok(())),
        (gauge, -2, Ok(())),
        (histogram, 1, Err(status::BAD_ARGUMENT)),
        (counter + 1, 1, Err(status::NOT_FOUND)),
        (999, 1, Err(status::NOT_FOUND)),
    ] {
        assert_eq!(world.increment(id, offset), expected, "{id} {offset}");
    }
    world.record(gauge, 7).unwrap();
    world.record(histogram, 10).unwrap();
    let all = [
        ("c".to_owned(), 2),
        ("g".to_owned(), 7),
        ("h".to_owned(), 10),
    ];
    assert_eq!(world.metrics(), all);
    assert_eq!(world.value(histogram), Err(status::BAD_ARGUMENT));
}

#[test]
fn each_map_is_readable_in_its_callback_and_when_logging() {
    use MapType::{RequestHeaders, RequestTrailers, ResponseHeaders, ResponseTrailers};
    let mut state = State::new(World::new());
    state.streams.insert(2, Stream::new());
    state.active = 2;
    for (phase, readable) in [
        (Phase::RequestHeaders, &[RequestHeaders][..]),
        (Phase::RequestBody, &[]),
        (Phase::RequestTrailers, &[RequestTrailers]),
        (Phase::ResponseHeaders, &[ResponseHeaders]),
        (Phase::ResponseBody, &[]),
        (Phase::ResponseTrailers, &[ResponseTrailers]),
        (
            Phase::Log,
            &[
                RequestHeaders,
                RequestTrailers,
                ResponseHeaders,
                ResponseTrailers,
            ],
        ),
        (Phase::Done, &[]),
    ] {
        state.phase = phase;
        for map in [
            RequestHeaders,
            RequestTrailers,
            ResponseHeaders,
            ResponseTrailers,
        ] {
            let expected = readable.contains(&map);
            assert_eq!(
                state.readable(map).is_some(),
                expected,
                "{map:?} in {phase:?}"
            );
            let writable = expected && phase != Phase::Log;
            assert_eq!(
                state.writable(map).is_some(),
                writable,
                "{map:?} in {phase:?}"
            );
        }
    }
    state.active = 3;
    state.phase = Phase::RequestHeaders;
    assert!(state.readable(RequestHeaders).is_none());
}

#[test]
fn request_properties_are_readable_in_the_request_and_in_the_log_only() {
    let mut state = State::new(World::new());
    let mut stream = Stream::new();
    stream.request_headers = headers(&[(":path", "/a")]);
    stream.response_headers = headers(&[(":status", "503")]);
    stream.details = b"via_upstream".to_vec();
    stream.phase = Phase::ResponseHeaders;
    stream.upstream = true;
    state.streams.insert(2, stream);
    state.active = 2;
    let mut ask = |phase, path: &str| {
        state.phase = phase;
        lookup(&state, &key(path))
    };
    for (phase, path, expected) in [
        (Phase::RequestHeaders, "request.path", Ok(b"/a".to_vec())),
        (
            Phase::ResponseHeaders,
            "request.path",
            Err(status::NOT_FOUND),
        ),
        (
            Phase::ResponseHeaders,
            "request.headers.:path",
            Err(status::NOT_FOUND),
        ),
        (Phase::Log, "request.path", Ok(b"/a".to_vec())),
        (Phase::ResponseHeaders, "response.code", Ok(int(503))),
        (
            Phase::ResponseBody,
            "response.code_details",
            Ok(b"via_upstream".to_vec()),
        ),
        (
            Phase::ResponseHeaders,
            "xds.route_name",
            Ok(b"test-route".to_vec()),
        ),
        (Phase::ResponseHeaders, "route_name", Err(status::NOT_FOUND)),
        (
            Phase::ResponseHeaders,
            "xds.upstream_host_metadata",
            Err(status::SERIALIZATION_FAILURE),
        ),
    ] {
        assert_eq!(ask(phase, path), expected, "{path} in {phase:?}");
    }
    state
        .properties
        .insert(key("response.code_details"), Property::Fails(10));
    assert_eq!(lookup(&state, b"response\0code_details"), Err(10));
}

#[test]
fn faults_are_those_requested_and_reproducible() {
    let mut nth = Faults::nth(Call::GetProperty, 1, Fault::Empty);
    let chosen: Vec<_> = (0..3).map(|_| nth.choose(Call::GetProperty)).collect();
    assert_eq!(chosen, [None, Some(Fault::Empty), None]);
    assert_eq!(nth.choose(Call::Log), None);
    assert_eq!(nth.injected(), 1);

    let run = |seed| {
        let mut chaos = Faults::chaos(seed, 2);
        let calls = Call::ALL.iter().cycle().take(200);
        calls
            .map(|call| (chaos.choose(*call), chaos.corrupt(Fault::Garbage, b"12345")))
            .collect()
    };
    let (one, again, other): (Vec<_>, Vec<_>, Vec<_>) = (run(1), run(1), run(2));
    assert_eq!(one, again);
    assert_ne!(one, other);
    for (call, (fault, _)) in Call::ALL.iter().cycle().zip(&one) {
        let of_data = fault.is_some_and(|fault| Fault::OF_DATA.contains(&fault));
        assert!(
            !of_data || call.gives() != Gives::Nothing,
            "{call:?}: {fault:?}"
        );
    }
}
