use super::*;

const ROUTE: &str = "shop/app";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn key() -> PassKey {
    PassKey::new([7; SECRET_BYTES])
}

/// Returns the name and the value of a new pass, as a browser sends it.
fn pass(key: &PassKey, route: &str, now: Timestamp) -> String {
    let cookie = key.set_cookie(route, now, true);
    cookie.split(';').next().unwrap().to_owned()
}

fn after(ms: u64) -> Timestamp {
    NOW.saturating_add(Duration::from_millis(ms))
}

#[test]
fn a_pass_is_a_cookie_of_a_minute_for_this_site() {
    let cookie = key().set_cookie(ROUTE, NOW, true);
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    assert!(name.starts_with("tidegate_pass_"), "{name}");
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    assert!(name.bytes().chain(value.bytes()).all(is_token), "{pair}");
    let want = "Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(attributes, want);
    let plain = key().set_cookie(ROUTE, NOW, false);
    assert!(plain.ends_with("; SameSite=Lax"), "{plain}");
    assert!(!cookie.contains(ROUTE), "the route is not told");
}

#[test]
fn a_pass_admits_for_a_minute() {
    let pass = pass(&key(), ROUTE, NOW);
    for (ms, want) in [
        (0, true),
        (59_000, true),
        (60_000, false),
        (3_600_000, false),
    ] {
        assert_eq!(
            key().admits(ROUTE, pass.as_bytes(), after(ms)),
            want,
            "{ms}"
        );
    }
    // A clock that was set back makes no pass that is valid for longer.
    let before = NOW.saturating_sub(Duration::from_secs(2));
    assert!(!key().admits(ROUTE, pass.as_bytes(), before));
}

#[test]
fn a_pass_is_found_among_other_cookies() {
    let pass = pass(&key(), ROUTE, NOW);
    let other = self::pass(&key(), "other/app", NOW);
    for cookies in [
        format!("a=b; {pass}"),
        format!("{pass}; a=b"),
        format!("{other};{pass} ;; c"),
    ] {
        assert!(key().admits(ROUTE, cookies.as_bytes(), NOW), "{cookies}");
    }
}

#[test]
fn forged_foreign_and_damaged_passes_are_worth_nothing() {
    let pass = pass(&key(), ROUTE, NOW);
    let (name, value) = pass.split_once('=').unwrap();
    let (expiry, code) = value.split_once('.').unwrap();
    let later = format!("{:x}", u64::from_str_radix(expiry, 16).unwrap() - 1);
    let foreign = PassKey::new([8; SECRET_BYTES]).set_cookie(ROUTE, NOW, true);
    let other = self::pass(&key(), "other/app", NOW);
    let other_value = other.split_once('=').unwrap().1;
    let mut cases = vec![
        String::new(),
        name.to_owned(),
        format!("{name}="),
        format!("{name}={expiry}"),
        format!("{name}={expiry}."),
        format!("{name}={later}.{code}"),
        format!("{name}={expiry}.{}", &code[..code.len() - 1]),
        format!("{name}={expiry}.{code}A"),
        format!("{name}=-{expiry}.{code}"),
        format!("{name}=ffffffffffffffffffff.{code}"),
        format!("x{name}={value}"),
        format!("{name}={other_value}"),
        foreign,
        other,
    ];
    // Each character of the code matters.
    for at in 0..code.len() {
        let mut changed = code.to_owned().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last character holds bits that are not of the code.
        if at + 1 < code.len() {
            cases.push(format!("{name}={expiry}.{changed}"));
        }
    }
    for cookies in cases {
        assert!(!key().admits(ROUTE, cookies.as_bytes(), NOW), "{cookies}");
    }
    assert!(!key().admits(ROUTE, &[0xff; 40], NOW));
}

#[test]
fn only_passes_are_kept_of_the_cookies_and_not_many() {
    let kept = |cookies: &[&str]| {
        let kept = pass_cookies(cookies.iter().map(|cookie| cookie.as_bytes()));
        String::from_utf8(kept).unwrap()
    };
    assert_eq!(kept(&["a=b; session=x"]), "");
    assert_eq!(
        kept(&["a=b; tidegate_pass_x=1; c=d", "tidegate_pass_y=2"]),
        "tidegate_pass_x=1;tidegate_pass_y=2;"
    );
    let many = vec!["tidegate_pass_x=1234567890"; 1_000].join("; ");
    assert!(kept(&[&many]).len() <= MAX_PASSES_BYTES);
    let long = format!("tidegate_pass_x={}; tidegate_pass_y=2", "a".repeat(60_000));
    assert_eq!(kept(&[&long]), "tidegate_pass_y=2;");
}

#[test]
fn keys_are_kept_as_bytes_and_not_shown() {
    let key = key();
    assert_eq!(PassKey::from_bytes(key.as_bytes()), Some(key.clone()));
    assert_eq!(PassKey::from_bytes(&[7; 31]), None);
    assert_eq!(format!("{key:?}"), "PassKey(..)");
}
