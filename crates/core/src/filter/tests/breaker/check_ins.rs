//! Check-ins of the page, and passes.

use super::*;

/// Settings with which a circuit opens at the first failure, and goes on after one probe.
const QUICK: &str = r#"{"breaker":{
    "min_requests": 1, "consecutive": {"failures": 1, "for": "0s"},
    "open": {"base": "1s", "max": "1s", "jitter": 0}, "probe": {"permits": 1}
}}"#;
const CHECK_IN: [(&str, &str); 2] = [(":method", "HEAD"), (RETRY_HEADER, "1")];
const NAVIGATION: (&str, &str) = ("sec-fetch-mode", "navigate");

impl World {
    fn quick() -> Self {
        let mut world = Self::new(QUICK);
        world.host.random = Some([7; 32]);
        world.note_address("192.0.2.1:1000");
        world
    }

    fn note_address(&mut self, address: &str) {
        let name = "source.address".to_owned();
        self.host.attributes.insert(name, address.into());
    }

    fn be_open(&mut self) {
        self.fail();
        assert_eq!(self.circuit(), State::Open);
    }

    fn be_half_open(&mut self) {
        self.be_open();
        self.tick(1_000);
        assert_eq!(self.circuit(), State::HalfOpen);
    }

    /// Lets the probe succeed.
    fn be_in_ramp(&mut self) {
        self.be_half_open();
        let (mut filter, reply) = self.begin(&[]);
        assert_eq!(reply, None);
        self.respond(&mut filter, 200, b"", &[]);
        assert_eq!(self.circuit(), State::Ramp);
        // Room for one request.
        self.tick(1_000);
    }

    /// Sends a check-in. Returns the local reply to it.
    fn check_in(&mut self, more: &[(&str, &str)]) -> (Filter, Option<LocalReply>) {
        self.begin(&[&CHECK_IN[..], more].concat())
    }

    /// Lets a check-in be admitted by the ramp. Returns the cookie of its pass.
    fn pass(&mut self) -> String {
        let (_, reply) = self.check_in(&[]);
        let reply = reply.expect("an answer");
        assert_eq!(reply.status, 204, "{reply:?}");
        let cookie = header(&reply, "set-cookie");
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn gate(reply: &LocalReply) -> Option<&str> {
    let found = reply.headers.iter().find(|(n, _)| n == "x-tidegate-gate");
    found.map(|(_, value)| std::str::from_utf8(value).unwrap())
}

#[test]
fn an_open_gate_sends_check_ins_away_and_says_so() {
    let mut world = World::quick();
    world.be_open();
    let (_, reply) = world.check_in(&[]);
    let reply = reply.expect("rejected");
    assert_eq!((reply.status, gate(&reply)), (503, Some("wait")));
    assert_eq!(header(&reply, "retry-after"), "1");
    assert_eq!(header(&reply, "x-tidegate-page"), "circuit_open");
    // Others are not told.
    for request in [&[(":method", "HEAD")][..], &[(RETRY_HEADER, "1")], &[]] {
        let (_, reply) = world.begin(request);
        assert_eq!(gate(&reply.expect("rejected")), None, "{request:?}");
    }
}

#[test]
fn the_page_of_a_gate_names_it() {
    let mut world = World::quick();
    world.be_open();
    let html = [
        (":method", "GET"),
        (":authority", ""),
        (":path", "/a"),
        ("accept", "text/html"),
    ];
    let (_, action) = world.begin_with(HeaderBlock::from_pairs(&html));
    let RequestAction::SendLocalReply(reply) = action else {
        panic!("{action:?}")
    };
    let html = String::from_utf8(reply.body).unwrap();
    assert!(html.contains("data-gate=\"wait\""), "{html}");
}

#[test]
fn a_check_in_with_a_permit_is_the_probe_and_its_success_brings_the_pass() {
    let mut world = World::quick();
    world.be_half_open();
    let (mut filter, reply) = world.check_in(&[(":scheme", "https")]);
    assert_eq!(reply, None, "it goes to the upstream");
    let (_, other) = world.check_in(&[]);
    assert_eq!(gate(&other.expect("no permit is left")), Some("wait"));
    let action = world.respond(&mut filter, 404, b"", &[]);
    let ResponseAction::AddHeader((name, value)) = action else {
        panic!("{action:?}")
    };
    let value = String::from_utf8(value.into_owned()).unwrap();
    assert_eq!(name, "set-cookie");
    assert!(
        value.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{value}"
    );
    assert_eq!(world.circuit(), State::Ramp);
}

#[test]
fn a_check_in_that_fails_as_a_probe_is_told_to_wait() {
    let mut world = World::quick();
    world.be_half_open();
    let (mut filter, _) = world.check_in(&[]);
    let action = world.respond_with(&mut filter, response(503, &[]), true, REFUSED);
    let ResponseAction::Replace(headers) = action else {
        panic!("{action:?}")
    };
    assert_eq!(headers.get("x-tidegate-gate"), Some(&b"wait"[..]));
    assert_eq!(world.circuit(), State::Open);
    // A failure at a closed circuit is no gate.
    let mut world = World::new("{}");
    let (mut filter, _) = world.check_in(&[]);
    let action = world.respond_with(&mut filter, response(503, &[]), true, REFUSED);
    let ResponseAction::Replace(headers) = action else {
        panic!("{action:?}")
    };
    assert_eq!(headers.get("x-tidegate-gate"), None);
}

#[test]
fn a_ramp_answers_check_ins_with_a_pass_while_it_has_room_and_then_with_a_crowd() {
    let mut world = World::quick();
    world.be_in_ramp();
    let (mut filter, reply) = world.check_in(&[]);
    let reply = reply.expect("answered");
    assert_eq!((reply.status, gate(&reply)), (204, Some("admitted")));
    assert_eq!(header(&reply, "cache-control"), "no-store");
    assert!(reply.body.is_empty());
    assert!(filter.is_recorded);
    // The filter's own response passes.
    let passes = world.respond(&mut filter, 204, b"tidegate_check_in", &[]);
    assert_eq!(passes, ResponseAction::Continue);
    let away = (0..50).find_map(|_| {
        let (_, reply) = world.check_in(&[]);
        reply.filter(|reply| reply.status == 503)
    });
    assert_eq!(gate(&away.expect("no room is left")), Some("crowd"));
}

#[test]
fn check_ins_that_are_let_in_count_as_kept_hints() {
    let kept = |world: &mut World| world.metric("tidegate.hints_kept.route.shop/app");
    let mut world = World::quick();
    world.be_open();
    // No more are kept than were given.
    for _ in 0..100 {
        let (_, reply) = world.begin(&[]);
        assert!(reply.is_some());
    }
    world.tick(1_000);
    let (mut filter, _) = world.check_in(&[]);
    world.respond(&mut filter, 200, b"", &[]);
    assert_eq!(kept(&mut world), 1, "as the probe");
    world.tick(1_000);
    let (_, reply) = world.check_in(&[]);
    assert_eq!(reply.map(|reply| reply.status), Some(204));
    assert_eq!(kept(&mut world), 2, "at the gate of the ramp");
    let is_away = |world: &mut World| world.check_in(&[]).1.is_some_and(|r| r.status == 503);
    let admitted = (0..50).take_while(|_| !is_away(&mut world)).count();
    assert!(admitted < 50);
    assert_eq!(
        kept(&mut world),
        2 + admitted as u64,
        "not who is sent away"
    );
}

#[test]
fn check_ins_pass_when_the_circuit_is_closed() {
    let mut world = World::quick();
    let (mut filter, reply) = world.check_in(&[]);
    assert_eq!(reply, None);
    let passes = world.respond(&mut filter, 200, b"", &[]);
    assert_eq!(passes, ResponseAction::Continue);
}

#[test]
fn who_has_a_pass_is_let_in_when_others_are_not() {
    let mut world = World::quick();
    world.be_in_ramp();
    let pass = world.pass();
    let is_admitted = |world: &mut World, cookie: &str| {
        let (mut filter, reply) = world.begin(&[("cookie", cookie)]);
        world.respond(&mut filter, 200, b"", &[]);
        world.end(&mut filter, b"");
        reply.is_none()
    };
    // No room is left for others.
    assert!((0..50).any(|_| !is_admitted(&mut world, "a=b")));
    let forged = pass.replace('.', ".A");
    for (cookie, want) in [(pass.as_str(), true), (&forged, false), ("a=b", false)] {
        let admitted = (0..20).filter(|_| is_admitted(&mut world, cookie)).count();
        assert_eq!(admitted > 15, want, "{cookie}: {admitted} of 20");
    }
    // One client is let in for some thirty requests at once, and then for ten a second.
    let more = (0..100).filter(|_| is_admitted(&mut world, &pass)).count();
    assert!(more < 30, "{more}");
    // After a minute the pass is over.
    world.advance(60_000);
    assert!(!world.worker.has_pass(
        &mut world.host,
        CircuitId {
            route: &"shop/app".into(),
            policy: 0
        },
        pass.as_bytes(),
        Timestamp::from_millis(NOW_MS + 120_000),
    ));
}

#[test]
fn a_page_that_no_shared_cache_keeps_brings_the_pass() {
    for (request, cache_control, want) in [
        (&[NAVIGATION][..], "private, max-age=60", true),
        (&[NAVIGATION], "no-store", true),
        (&[NAVIGATION], "No-Store", true),
        (&[NAVIGATION], "max-age=60", false),
        (&[NAVIGATION], "", false),
        (&[("sec-fetch-mode", "cors")], "no-store", false),
        (&[], "no-store", false),
    ] {
        let mut world = World::quick();
        world.be_in_ramp();
        let (mut filter, reply) = world.begin(request);
        assert_eq!(reply, None);
        let headers = [("cache-control", cache_control)];
        let action = world.respond(&mut filter, 200, b"", &headers);
        let has_pass = matches!(action, ResponseAction::AddHeader(_));
        assert_eq!(has_pass, want, "{request:?} {cache_control}");
    }
}

#[test]
fn no_pass_is_set_or_read_while_all_is_well_or_if_passes_are_off() {
    let mut world = World::quick();
    let long = "x".repeat(5_000);
    let cookie = [("cookie", "tidegate_pass_x=1.2"), ("x-more", &long)];
    let (filter, _) = world.begin(&cookie);
    assert!(filter.passes.is_empty());
    let (mut filter, _) = world.begin(&[NAVIGATION, cookie[0]]);
    let headers = [("cache-control", "no-store")];
    let action = world.respond(&mut filter, 200, b"", &headers);
    assert_eq!(action, ResponseAction::Continue);
    assert!(world.host.shared.is_empty(), "no secret is made");

    let mut world = World::quick();
    let off = QUICK.replace("\"probe\"", "\"ramp\": {\"pass\": false}, \"probe\"");
    let config = FilterConfig::new(Config::from_json(off.as_bytes()).unwrap());
    world.worker = config.worker("t");
    world.config = Rc::new(config);
    world.be_in_ramp();
    let (_, reply) = world.check_in(&[]);
    let reply = reply.expect("answered");
    assert_eq!(reply.status, 204);
    assert!(!reply.headers.iter().any(|(name, _)| name == "set-cookie"));
}

#[test]
fn workers_share_the_secret_and_without_randomness_it_is_derived() {
    for random in [Some([7; 32]), None] {
        let mut world = World::quick();
        world.host.random = random;
        world.be_in_ramp();
        let pass = world.pass();
        let mut other = world.config.worker("t");
        let route = "shop/app".into();
        let circuit = CircuitId {
            route: &route,
            policy: 0,
        };
        let now = Timestamp::from_millis(NOW_MS + 3_000);
        assert!(other.has_pass(&mut world.host, circuit, pass.as_bytes(), now));
        // Another Envoy has another secret.
        let mut foreign = World::quick();
        foreign.host.random = random.map(|_| [8; 32]);
        foreign
            .host
            .attributes
            .insert("request.id".to_owned(), b"other".to_vec());
        let mut other = foreign.config.worker("t");
        assert!(!other.has_pass(&mut foreign.host, circuit, pass.as_bytes(), now));
    }
    // Without shared data there are no passes, and requests go on.
    let mut world = World::quick();
    world.be_in_ramp();
    world.host.shared_errors = vec![HostError::Status(10); 4];
    let (_, reply) = world.check_in(&[]);
    let reply = reply.expect("answered");
    assert!(!reply.headers.iter().any(|(name, _)| name == "set-cookie"));
}

#[test]
fn a_large_request_keeps_its_pass() {
    let mut world = World::quick();
    world.be_in_ramp();
    let pass = world.pass();
    let long = "x".repeat(50_000);
    let cookie = format!("a={long}; {pass}");
    let is_admitted = |world: &mut World, cookie: &str| {
        let headers = [("cookie", cookie), ("x-more", &long)];
        let (filter, reply) = world.begin(&headers);
        assert!(filter.request.as_wire().len() < 8 * 1024);
        reply.is_none()
    };
    // No room is left for others.
    assert!((0..50).any(|_| !is_admitted(&mut world, "a=b")));
    let admitted = (0..20).filter(|_| is_admitted(&mut world, &cookie)).count();
    assert!(admitted > 15, "{admitted} of 20");
}
