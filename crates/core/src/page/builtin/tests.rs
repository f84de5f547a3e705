use super::*;

#[test]
fn the_script_is_served_without_what_only_its_authors_need() {
    assert!(SCRIPT.len() <= 3_100, "{} bytes", SCRIPT.len());
    for mark in ["\n", "//", "/*", "  "] {
        assert!(!SCRIPT.contains(mark), "{mark:?}");
    }
}

#[test]
fn the_script_cannot_end_its_element_or_open_a_tag_of_the_template() {
    assert!(SCRIPT.is_ascii());
    for sequence in ["</", "<!--", "{{"] {
        assert!(!SCRIPT.contains(sequence), "{sequence}");
    }
}
