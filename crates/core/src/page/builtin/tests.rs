use super::*;

#[test]
fn the_script_is_served_without_what_only_its_authors_need() {
    for (script, expected) in [
        (
            "// a\n  if (b) {\n\n    // c\n    d();\n  }\n",
            "if(b){d()}\n",
        ),
        ("const a = b || 1;\nreturn c;\n", "const a=b||1;return c;"),
        ("try {\n  a();\n} catch {\n}\n", "try{a()}catch{}\n"),
        ("a(\"b + 'c' ; }\", d => e)\n", "a(\"b + 'c' ; }\",d=>e)\n"),
        ("a\n  ? b\n  : c;\n", "a\n?b\n:c;"),
    ] {
        assert_eq!(served(script), expected);
    }
    let script = served(SCRIPT);
    assert!(script.len() <= 3_100, "{} bytes", script.len());
    // A comment that is not alone on its line would stay, and so would a web address.
    assert!(!script.contains("//"));
    // Without the blank, these would be other operators.
    for operators in ["+ +", "- -", "; }", "+ ++", "- --"] {
        assert!(!SCRIPT.contains(operators), "{operators}");
    }
}

#[test]
fn the_script_cannot_end_its_element_or_open_a_tag_of_the_template() {
    assert!(SCRIPT.is_ascii());
    for sequence in ["</", "<!--", "{{"] {
        assert!(!SCRIPT.contains(sequence), "{sequence}");
    }
}
