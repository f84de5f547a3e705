use super::*;

#[test]
fn the_script_is_served_without_comments_and_indentation() {
    assert_eq!(
        without_comments("// a\n  if (b) {\n\n    // c\n    d();\n  }\n"),
        "if (b) {d();}\n"
    );
    let script = without_comments(SCRIPT);
    assert!(script.len() <= 3_100, "{} bytes", script.len());
    // A comment that is not alone on its line would stay, and so would a web address.
    assert!(!script.contains("//"));
}

#[test]
fn the_script_cannot_end_its_element_or_open_a_tag_of_the_template() {
    assert!(SCRIPT.is_ascii());
    for sequence in ["</", "<!--", "{{"] {
        assert!(!SCRIPT.contains(sequence), "{sequence}");
    }
}
