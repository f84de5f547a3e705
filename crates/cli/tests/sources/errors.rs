//! Errors in sources are reported with their place.

use crate::{page, Folder, SOURCE};

/// Each page, with its error. The source is beside `outside.css`.
#[test]
fn errors_in_pages_are_reported_with_their_place() {
    let with = |reference: &str| page(reference, "");
    let big = format!("<p>{}</p>", "x".repeat(300_000));
    let table: Vec<(&str, String, String)> = vec![
        (
            "a name that nobody knows",
            with("<p>\n  {{titel}}"),
            "s/pages/a.html:6:3: error: templates.a.html: found \"{{titel}}\": no such name; did you mean `title`?".into(),
        ),
        (
            "a missing picture",
            with("<p>é<img src=\"none.png\" alt=\"\">"),
            "s/pages/a.html:5:14: error: \"none.png\" cannot be read: No such file or directory".into(),
        ),
        (
            "a way out",
            with("<link rel=stylesheet href=../../outside.css>"),
            "s/pages/a.html:5:27: error: \"../../outside.css\" is outside the folder of the source; allowed: files inside it".into(),
        ),
        (
            "a link out",
            with("<style>@import 'link.css';</style>"),
            "s/pages/a.html:5:8: error: \"link.css\" is outside the folder of the source; allowed: files inside it".into(),
        ),
        (
            "a folder",
            with("<img src=\"../pages\" alt=\"\">"),
            "s/pages/a.html:5:10: error: \"../pages\" is not a file".into(),
        ),
        (
            "styles that import each other",
            with("<link rel=stylesheet href=one.css>"),
            "s/pages/two.css:1:1: error: s/pages/one.css imports itself (through s/pages/one.css, s/pages/two.css)".into(),
        ),
        (
            "a tag in a style",
            with("<link rel=stylesheet href=tag.css>"),
            "s/pages/tag.css:2:4: error: found \"{{\", which starts a template tag; allowed: no tags in style sheets and scripts (`delimiters` selects other tags)".into(),
        ),
        (
            "a script that ends its block",
            with("<script src=end.js></script>"),
            "s/pages/end.js:1:6: error: found \"</script\", which would end the block; allowed: none".into(),
        ),
        (
            "a script that would run too early",
            with("<script src=fine.js defer></script>"),
            "s/pages/a.html:5:1: error: `defer` has no effect on an embedded script; allowed: the script where it should run, such as at the end of the body, or type=\"module\"".into(),
        ),
        (
            "a picture that is none",
            with("<img src=fine.js alt>"),
            "s/pages/a.html:5:10: error: s/pages/fine.js does not have the file name of a picture, font, sound or film that can be embedded".into(),
        ),
        (
            "a picture that is too large",
            with("<img src=huge.png alt>"),
            "s/pages/a.html:5:10: error: s/pages/huge.png has 300000 bytes; allowed: at most 262144 for a whole template".into(),
        ),
        (
            "pictures that are too large together",
            with("<img src=half.png alt><style>a{b:url(half.png)}</style>"),
            "s/s.yaml:3:5: error: templates.a.html: found 266914 bytes; allowed: at most 262144; s/pages/half.png takes 133358, s/pages/half.png takes 133358".into(),
        ),
        (
            "a style that is no text",
            with("<link rel=stylesheet href=latin.css>"),
            "s/pages/latin.css:2:2: error: not UTF-8; allowed: text in UTF-8".into(),
        ),
        (
            "a page that is too large as it is",
            with(&big),
            "s/s.yaml:3:5: error: templates.a.html: found 300164 bytes; allowed: at most 262144".into(),
        ),
    ];
    for (name, html, expected) in table {
        let folder = Folder::new(&[
            ("outside.css", "a{}"),
            ("s/s.yaml", SOURCE),
            ("s/pages/a.html", &html),
            ("s/pages/one.css", "@import 'two.css';"),
            ("s/pages/two.css", "@import url(one.css);"),
            ("s/pages/tag.css", "/* é\n é {{x}} */"),
            ("s/pages/end.js", "a = \"</script>\""),
            ("s/pages/fine.js", "a()"),
            ("s/pages/huge.png", &"x".repeat(300_000)),
            ("s/pages/half.png", &"x".repeat(100_000)),
        ]);
        folder.write("s/pages/latin.css", b"a{}\nb\xe9{}");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../outside.css", folder.path().join("s/pages/link.css"))
            .unwrap();
        for command in ["bundle", "check"] {
            let (code, stderr) = folder.fails(&[command, "s/s.yaml"]);
            assert_eq!(code, Some(1), "{name}: {stderr}");
            let tally = "1 file checked: 1 error\n";
            let told = stderr.strip_suffix(tally).unwrap_or(&stderr);
            assert_eq!(told, format!("{expected}\n"), "{command}: {name}");
        }
    }
}

#[test]
fn errors_in_sources_are_reported_with_their_place() {
    for (name, source, expected) in [
        ("s.yaml", "a: [1\nb: 2\n", "s.yaml:2:2: error: not YAML: "),
        (
            "s.yaml",
            "mode: of\n",
            "s.yaml:1:1: error: mode: found \"of\"; allowed: ",
        ),
        (
            "s.yaml",
            "a: 1\n---\nb: 2\n",
            "s.yaml:3:1: error: a second document; allowed: one",
        ),
        (
            "s.yaml",
            "? [a]\n: b\n",
            "s.yaml:1:3: error: a key that is not a string",
        ),
        (
            "s.yaml",
            "templates:\n  a:\n    html: |\n      <p>\n      {{x y}}\n",
            "s.yaml:5:7: error: templates.a.html: found \"{{x y}}\": no such name",
        ),
        (
            "s.yaml",
            "templates:\n  a:\n    html: \"<p>\\n{{x}}\"\n",
            "s.yaml:3:5: error: templates.a.html: line 2, column 1: found \"{{x}}\": no such name",
        ),
        (
            "s.json",
            "{\"templates\": {\n  \"a\": {\"html\": \"{{x}}\", \"text\": \"\\ud83d\\ude00\"}}}",
            "s.json: error: templates.a.html: line 1, column 1: found \"{{x}}\": no such name",
        ),
        (
            "s.yaml",
            "mode: { file: x }\n",
            "s.yaml:1:1: error: mode: found a reference to the file \"x\"; allowed: its content; files are allowed for ",
        ),
        (
            "s.yaml",
            "locales: { strings: { de: { file: s.yaml } } }\n",
            "s.yaml:1:35: error: s.yaml refers to itself",
        ),
        (
            "s.yaml",
            "locales: { strings: { de: { file: de.yaml } } }\n",
            "de.yaml:1:9: error: de.yaml refers to itself",
        ),
        (
            "s.yaml",
            "brand: { logo: { file: de.yaml } }\n",
            "s.yaml:1:24: error: \"de.yaml\" does not have the file name of a picture",
        ),
        (
            "s.yaml",
            "brand: { logo: { file: big.png } }\n",
            "s.yaml:1:24: error: big.png has 50000 bytes, which are 66690 as a data: URI; allowed: at most 65536 for a logo",
        ),
        (
            "s.yaml",
            "brand: { logo: { file: big.svg } }\n",
            "s.yaml:1:24: error: big.svg has 70011 bytes, which are 93374 as a data: URI; allowed: at most 65536 for a logo",
        ),
        (
            "s.yaml",
            "brand: { logo: { file: huge.png } }\n",
            "s.yaml:1:24: error: \"huge.png\" has 2000000 bytes; allowed: at most 65536 for a logo",
        ),
        (
            "s.yaml",
            "vars: { x: { file: huge.png } }\n",
            "s.yaml:1:20: error: \"huge.png\" has 2000000 bytes; allowed: at most 1048576 for a whole configuration",
        ),
        (
            "s.yaml",
            "brand: { logo: images/logo.png }\n",
            "s.yaml:1:10: error: brand.logo: found \"images/logo.png\" (the name of a file); allowed: a data:image/... URI, or an `<svg>` element without scripts and references; did you mean `{ file: images/logo.png }`?",
        ),
        (
            "s.yaml",
            "vars: { x: { file: /etc/hostname } }\n",
            "s.yaml:1:20: error: \"/etc/hostname\" is an absolute path; allowed: a path relative to s.yaml",
        ),
        (
            "s.yaml",
            "vars: { x: { file: \"\" } }\n",
            "s.yaml:1:20: error: the file name is empty",
        ),
        (
            "s.yaml",
            "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
             c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
             e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
            "s.yaml:5:",
        ),
    ] {
        let svg = format!("<svg>{}</svg>", "x".repeat(70_000));
        let folder = Folder::new(&[
            (name, source),
            ("de.yaml", "{ file: de.yaml }"),
            ("big.png", &"x".repeat(50_000)),
            ("big.svg", &svg),
            ("huge.png", &"x".repeat(2_000_000)),
        ]);
        let (code, stderr) = folder.fails(&["bundle", name]);
        assert_eq!(code, Some(1), "{source}");
        // Some of the pages get warnings too.
        let errors = stderr.lines().filter(|line| line.contains(": error: "));
        let errors: Vec<_> = errors.collect();
        assert_eq!(errors.len(), 1, "{stderr}");
        assert!(errors[0].starts_with(expected), "{source}\n{stderr}{expected}");
    }
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let folder = Folder::new(&[("s.yaml", &deep)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("s.yaml:1:259: error: not YAML: recursion limit exceeded\n"),
        "{stderr}"
    );
}

/// The later one is what was added.
#[test]
fn a_key_that_occurs_twice_is_found_at_its_second_place() {
    for (source, expected) in [
        (
            "version: 1\nmode: off\nversion: 1\n",
            "s.yaml:3:1: error: version: found twice; allowed: once; the first is in line 1\n",
        ),
        (
            "brand:\n  name: a\n  name: b\n  name: c\n",
            "s.yaml:4:3: error: brand.name: found twice; allowed: once; the first is in line 2\n",
        ),
    ] {
        let folder = Folder::new(&[("s.yaml", source)]);
        let said = folder.fails(&["check", "s.yaml"]).1;
        assert!(said.starts_with(expected), "{said}");
    }
}
