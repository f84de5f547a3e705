use crate::config::Config;

fn read(json: &str) -> Config {
    Config::from_json(json.as_bytes()).unwrap()
}

#[test]
fn a_rule_inherits_what_it_does_not_give_wherever_it_stands() {
    let config = read(
        r##"{
            "brands": [
                { "match": { "hosts": ["a.example"] }, "name": "A", "links": [] },
                { "match": { "hosts": ["b.example"] }, "color": "#ffcc00", "status_url": "/b" }
            ],
            "brand": { "name": "Usual", "color": "#0b5fff", "color_dark": "#8ab4ff", "home_url": "/", "status_url": "/s",
                       "links": [{ "label": "L", "url": "/l" }] }
        }"##,
    );
    let [a, b] = [0, 1].map(|rule: usize| &config.brands[rule].brand);
    assert_eq!((&*a.name, &*b.name), ("A", "Usual"));
    assert_eq!((a.links.len(), b.links.len()), (0, 1));
    assert_eq!((a.color, a.logo.is_some()), (config.brand.color, false));
    assert_eq!(b.color.unwrap().to_hex(), "#ffcc00");
    // The dark colour belongs to the other colour.
    assert_eq!(
        (a.color_dark, b.color_dark),
        (config.brand.color_dark, None)
    );
    let home = Some("/".to_owned());
    assert_eq!((&a.home_url, &b.home_url), (&home, &home));
    let status = [a, b].map(|brand| brand.status_url.as_deref());
    assert_eq!(status, [Some("/s"), Some("/b")]);
}

#[test]
fn a_rule_covers_hosts_that_its_patterns_match_whatever_their_wildcards_stand_for() {
    for (earlier, later, expected) in [
        (&[][..], &["a.example"][..], true),
        (&[], &[], true),
        (&["*"], &[], true),
        (&["*.example"], &["A.example", "*.b.example"], true),
        (&["a*", "b*"], &["a.example", "b.*"], true),
        (&["a.example"], &["A.EXAMPLE"], true),
        (&["*.example"], &[], false),
        (&["*.example"], &["*"], false),
        (&["*.b.example"], &["*.example"], false),
        (&["a.example"], &["a.example", "b.example"], false),
        (&["a.*.example"], &["a.*"], false),
    ] {
        let rule = |hosts: &[&str]| format!(r#"{{"match":{{"hosts":{hosts:?}}}}}"#);
        let json = format!(r#"{{"brands":[{},{}]}}"#, rule(earlier), rule(later));
        let config = read(&json);
        let [earlier, later] = [0, 1].map(|rule: usize| &config.brands[rule].matches);
        assert_eq!(earlier.covers(later), expected, "{earlier:?} {later:?}");
    }
}
