use super::*;

#[test]
fn numbers_have_the_forms_of_unicode_cldr() {
    for (languages, expected) in [
        (
            &["ru", "uk", "be", "hr", "sr", "bs"][..],
            &[
                (2, Some("few")),
                (4, Some("few")),
                (5, None),
                (11, None),
                (12, None),
                (14, None),
                (20, None),
                (21, Some("one")),
                (22, Some("few")),
                (101, Some("one")),
                (111, None),
                (112, None),
                (122, Some("few")),
            ][..],
        ),
        (
            &["pl"],
            &[
                (2, Some("few")),
                (5, None),
                (12, None),
                (21, None),
                (22, Some("few")),
                (112, None),
            ],
        ),
        (
            &["cs", "sk"],
            &[(2, Some("few")), (4, Some("few")), (5, None), (22, None)],
        ),
        (
            &["lt"],
            &[
                (2, Some("few")),
                (9, Some("few")),
                (10, None),
                (11, None),
                (21, Some("one")),
                (22, Some("few")),
            ],
        ),
        (
            &["lv"],
            &[
                (2, None),
                (10, Some("zero")),
                (11, Some("zero")),
                (21, Some("one")),
                (22, None),
            ],
        ),
        (
            &["sl"],
            &[
                (2, Some("two")),
                (3, Some("few")),
                (4, Some("few")),
                (5, None),
                (22, None),
                (101, Some("one")),
                (102, Some("two")),
            ],
        ),
        (
            &["ro"],
            &[
                (2, Some("few")),
                (19, Some("few")),
                (20, None),
                (100, None),
                (101, Some("few")),
                (119, Some("few")),
            ],
        ),
        (
            &["ar"],
            &[
                (2, Some("two")),
                (3, Some("few")),
                (10, Some("few")),
                (11, Some("many")),
                (99, Some("many")),
                (100, None),
                (102, None),
                (103, Some("few")),
            ],
        ),
        (&["he"], &[(2, Some("two")), (3, None), (20, None)]),
        (
            &["en", "de", "fi", "hi", "ja", "qaa"],
            &[(2, None), (3, None), (21, None)],
        ),
    ] {
        for language in languages {
            for &(n, form) in expected {
                assert_eq!(super::form(language, n), form, "{language}: {n}");
            }
        }
    }
    let mut forms = (2..200).filter_map(|n| form("ar", n).or(form("lv", n)).or(form("sl", n)));
    assert!(forms.all(|form| FORMS.contains(&form)));
}
