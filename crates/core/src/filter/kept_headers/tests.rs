use super::*;

/// Returns a block that is large because of a header that is never read.
fn large(headers: &[(&str, &str)]) -> HeaderBlock {
    let cookie = "c=".to_owned() + &"x".repeat(8 * 1024);
    let mut all = vec![("cookie", &*cookie)];
    all.extend_from_slice(headers);
    HeaderBlock::from_pairs(&all)
}

#[test]
fn a_small_block_is_kept_as_it_is() {
    let small = HeaderBlock::from_pairs(&[(":path", "/a?b"), ("cookie", "c"), ("x-own", "d")]);
    assert_eq!(keep_read_headers(small.clone()), small);
}

#[test]
fn a_large_block_keeps_exactly_what_is_read() {
    let read: Vec<(&str, &str)> = READ.iter().map(|(name, _)| (*name, "value")).collect();
    let mut all = read.clone();
    all.extend([("x-own", "1"), (":scheme", "https"), ("te", "trailers")]);
    assert_eq!(
        keep_read_headers(large(&all)),
        HeaderBlock::from_pairs(&read)
    );
}

#[test]
fn every_value_of_a_header_is_kept_in_order_within_its_limit() {
    let kept = keep_read_headers(large(&[("accept", "a/b"), ("accept", "c/d")]));
    let values: Vec<_> = kept.get_all("accept").collect();
    assert_eq!(values, [b"a/b", b"c/d"]);

    let member = ("accept", "text/html");
    let kept = keep_read_headers(large(&[member; 4_000]));
    let whole = kept.get_all("accept").filter(|value| !value.is_empty());
    assert_eq!(whole.count(), 2 * 1024 / 25, "each needs 25 bytes");
}

#[test]
fn a_long_list_loses_its_last_members() {
    let long = "text/html;q=0.5,".repeat(1_000);
    let kept = keep_read_headers(large(&[("accept", &long)]));
    let accept = String::from_utf8(kept.get("accept").unwrap().to_vec()).unwrap();
    assert!((1_900..2_048).contains(&accept.len()), "{}", accept.len());
    assert!(accept.ends_with(",text/html;q=0.5"), "no part of a member");
}

#[test]
fn a_path_loses_its_query_before_its_middle() {
    let path = |path: String| {
        let kept = keep_read_headers(large(&[(":path", &path)]));
        String::from_utf8(kept.get(":path").unwrap().to_vec()).unwrap()
    };
    assert_eq!(path("/a?b=c".to_owned()), "/a");
    assert_eq!(path("/a?".to_owned() + &"b".repeat(50_000)), "/a");
    let connect = "?encoding=json&connect=v1&message=";
    assert_eq!(
        path("/a".to_owned() + connect + &"b".repeat(50_000)),
        "/a?connect=v1"
    );
    let long = path("/start/".to_owned() + &"m".repeat(50_000) + "/end.json?q");
    assert!(long.starts_with("/start/mmm") && long.ends_with("mmm/end.json"));
    assert_eq!(long.len(), 4 * 1024 - ":path".len() - PAIR_OVERHEAD);
}

#[test]
fn the_largest_block_is_bounded() {
    let huge = "x,".repeat(30_000);
    let all: Vec<(&str, &str)> = READ.iter().map(|(name, _)| (*name, &*huge)).collect();
    let kept = keep_read_headers(HeaderBlock::from_pairs(&all));
    let limits: usize = READ.iter().map(|(_, limit)| limit).sum();
    assert!(kept.as_wire().len() <= limits + 4 && limits < 12 * 1024);
}
