use super::*;

fn line(second: u64, host: &str, status: u16) -> String {
    let (minute, second) = (second / 60 % 60, second % 60);
    format!(
        "[2026-11-23T12:{minute:02}:{second:02}.000Z] \"GET / HTTP/1.1\" {status} - 0 0 1 1 \"-\" \"-\" \"-\" \"{host}\" \"10.0.0.7:8080\"\n"
    )
}

/// Made-up hosts neither displace real ones nor fill the memory.
#[test]
fn the_number_of_routes_is_bounded_and_busy_ones_stay() {
    let mut log = String::new();
    for at in 0..20_000 {
        log.push_str(&line(at / 100, &format!("made-up-{at}.example"), 503));
        log.push_str(&line(
            at / 100,
            "shop.example",
            if at % 2 == 0 { 200 } else { 503 },
        ));
    }
    let mut whole = Tally::of(log.as_bytes(), 60_000);
    assert!(whole.routes.len() <= 2 * MAX_ROUTES);
    whole.end();
    assert_eq!(whole.routes.len(), MAX_ROUTES);
    let shop = &whole.routes["shop.example"];
    assert_eq!((shop.requests, shop.failed), (20_000, 10_000));
    let requests: u64 = whole.routes.values().map(|route| route.requests).sum();
    assert_eq!((requests, whole.requests), (40_000, 40_000));
    assert_eq!(
        whole.routes[OTHERS].requests,
        20_000 - (MAX_ROUTES as u64 - 2)
    );
    assert_eq!(whole.folded, whole.routes[OTHERS].requests);
}

/// Any number of names of any length takes bounded memory.
#[test]
fn the_memory_of_a_route_is_bounded() {
    let mut log = String::new();
    for at in 0..3_000_u64 {
        let (host, release) = (
            format!("10.0.{}.{}:80", at / 250, at % 250),
            "r".repeat(500),
        );
        log.push_str(&format!(
            "{{\"start_time\":{},\"response_code\":503,\"response_code_details\":\"{}\",\"route_name\":\"{}\",\
             \"upstream_host\":\"{host}\",\"release\":\"{at}-{release}\",\"request_id\":\"{release}\"}}\n",
            1_800_000_000 + at * 600,
            "d".repeat(1000),
            "shop",
        ));
    }
    let tally = Tally::of(log.as_bytes(), 60_000);
    let shop = &tally.routes["shop"];
    assert_eq!(
        (tally.requests, shop.requests, tally.unreadable),
        (3_000, 3_000, 0)
    );
    assert_eq!(
        (shop.hosts.list.len(), shop.hosts.others),
        (MAX_HOSTS, 3_000 - MAX_HOSTS as u64)
    );
    assert_eq!(shop.releases.list.len(), MAX_RELEASES);
    assert!(shop
        .releases
        .list
        .iter()
        .all(|release| release.name.len() <= crate::explain::MAX_NAME));
    let (_, failures) = &shop.reasons[0];
    assert!(failures.episodes.list.len() <= super::super::episodes::MAX_EPISODES);
    assert_eq!(failures.count, 3_000);
    let first = &failures.episodes.list[0].first;
    assert_eq!((first.details.len(), first.request_id.len()), (128, 128));
}

/// Any number of paths takes bounded memory, and all their requests are counted.
#[test]
fn the_number_of_classes_is_bounded() {
    let mut log = String::new();
    for at in 0..20_000_u64 {
        let status = if at % 2 == 0 { 200 } else { 503 };
        log.push_str(&format!(
            "{{\"start_time\":{},\"response_code\":{status},\"route_name\":\"shop\",\"authority\":\"{}.example\",\
             \"path\":\"/{}/{}/{at}/x/y/{}\"}}\n",
            1_800_000_000 + at * 600,
            at % 7_000,
            at % 70,
            at % 300,
            "p".repeat(500),
        ));
    }
    let mut halves = Tally::new(60_000);
    let half = log.len() / 2;
    let half = half + log[half..].find('\n').unwrap() + 1;
    for part in [&log[..half], &log[half..]] {
        halves.absorb(Tally::of(part.as_bytes(), 60_000), 0, 0);
    }
    for tally in [Tally::of(log.as_bytes(), 60_000), halves] {
        let shop = &tally.routes["shop"];
        let served = shop.served.below("");
        let (names, counts): (Vec<_>, Vec<_>) = served.map(|(name, n)| (name, n.total())).unzip();
        assert!(names.len() <= 2 * MAX_CLASSES, "{}", names.len());
        assert!(names.iter().all(|name| name.len() <= 200));
        assert_eq!(counts.iter().sum::<u64>(), 10_000);
        let episodes = shop.bare.episodes.list.iter();
        let failed: Vec<u64> = episodes
            .map(|episode| {
                assert!(episode.classes.below("").count() <= 32);
                episode
                    .classes
                    .below("")
                    .map(|(_, failures)| failures)
                    .sum()
            })
            .collect();
        assert_eq!(failed.iter().sum::<u64>(), 10_000);
    }
}

#[test]
fn unreadable_lines_are_counted_and_the_first_is_named() {
    let good = line(0, "a", 200);
    let log = format!("{good}\nwhat is this\n{good}and this\n{good}");
    let tally = Tally::of(log.as_bytes(), 0);
    assert_eq!((tally.lines, tally.requests, tally.unreadable), (6, 3, 2));
    let first = tally.first_unreadable.unwrap();
    assert_eq!(
        (first.line, first.wrong),
        (3, Wrong::Text("\"[\" at its start"))
    );
}

/// The lines of a part are numbered after those of the earlier parts.
#[test]
fn lines_are_numbered_across_parts() {
    let good = line(0, "a", 200);
    let mut all = Tally::new(60_000);
    let parts = [
        good.repeat(3),
        format!("{good}{}", line(5, "a", 503)),
        format!("{}?\n", line(500, "a", 503)),
    ];
    let mut lines = 0;
    for part in &parts {
        let part = Tally::of(part.as_bytes(), 60_000);
        let count = part.lines;
        all.absorb(part, 1, lines);
        lines += count;
    }
    let whole = parts.concat();
    let mut at_once = Tally::new(60_000);
    at_once.absorb(Tally::of(whole.as_bytes(), 60_000), 1, 0);
    assert_eq!(all, at_once);
    let episodes = &all.routes["a"].reasons[0].1.episodes;
    let found: Vec<_> = episodes
        .list
        .iter()
        .map(|e| (e.first.file, e.first.line))
        .collect();
    assert_eq!(found, [(1, 5), (1, 6)]);
    let unreadable = all.first_unreadable.unwrap();
    assert_eq!((unreadable.file, unreadable.line), (1, 7));
}
