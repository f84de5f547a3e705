//! Page projects with `init`, `check`, `bundle` and `preview`.

mod bundle;
mod check;
mod errors;
mod image;
mod own;
mod preview;
mod references;
mod schema;
mod yaml;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use tidegate_core::config::{Config, Logo};

/// A temporary folder with a source.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for (name, content) in files {
            folder.write(name, content.as_bytes());
        }
        folder
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(args).current_dir(self.path());
        command.output().unwrap()
    }

    /// Returns exit code and standard error.
    fn fails(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.run(args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        (output.status.code(), text(&output.stderr))
    }

    /// Returns the bundle as text and parsed.
    fn bundle(&self, args: &[&str]) -> (String, Config) {
        let output = self.run(&[&["bundle"], args].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let json = text(&output.stdout);
        let config = Config::from_json(json.as_bytes()).unwrap();
        (json, config)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns a page without warnings, with these parts of its head and its body.
fn page(head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{{{{lang}}}}\" dir=\"{{{{dir}}}}\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{{{{title}}}}</title>\n{head}{{{{#if auto_retry}}}}{{{{/if}}}}\n{body}\n"
    )
}

const SOURCE: &str =
    "templates:\n  a:\n    html: { file: pages/a.html }\npages: [{ template: a }]\n";

#[test]
fn init_creates_a_project_without_warnings_that_can_be_bundled() {
    let folder = Folder::new(&[]);
    let started = folder.run(&["init", "own"]);
    assert!(started.status.success());
    let commands = text(&started.stdout);
    assert!(
        commands.contains("tidegate bundle own/tidegate.yaml"),
        "{commands}"
    );
    assert_eq!(
        folder.fails(&["check", "--strict", "own/tidegate.yaml"]),
        (Some(0), "1 file checked: 0 errors\n".to_owned())
    );
    let (json, config) = folder.bundle(&["own/tidegate.yaml"]);
    let html = &config.templates[0].1.html.as_ref().unwrap().text;
    for part in [
        "<style>/* The variables",
        "src=\"data:image/svg+xml;base64,",
        "{{#each links}}",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for part in ["shop.css", "../images"] {
        assert!(!html.contains(part), "{part}");
    }
    assert!(json.len() < 16_000, "{} bytes", json.len());
    // A filter configuration is also a source, and bundles to itself.
    folder.write("own/filter.json", json.as_bytes());
    assert_eq!(folder.bundle(&["own/filter.json"]).0, json);
    assert_eq!(
        folder.fails(&["check", "--strict", "own/filter.json"]),
        (Some(0), "1 file checked: 0 errors\n".to_owned())
    );
}

#[test]
fn init_never_overwrites_files() {
    let folder = Folder::new(&[("own/pages/shop.css", "mine")]);
    assert_eq!(
        folder.fails(&["init", "own"]),
        (
            Some(1),
            "own/pages/shop.css: already exists; nothing was written\n".to_owned()
        )
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("own/pages/shop.css")).unwrap(),
        "mine"
    );
    assert!(!folder.path().join("own/tidegate.yaml").exists());
}

#[test]
fn yaml_and_json_are_the_same_source() {
    let yaml = "brand:\n  name: A\nretry: { after: { default: 5s, \"504\": 30s } }\n\
                intercept:\n  statuses: [502, 503-504, 5xx]\nformats: { default: html }\n\
                routes:\n  - name: &name b\n    maintenance: true\n  - name: c\n    maintenance: ~\n";
    let yaml = yaml.replace("    maintenance: ~\n", "    match: { host: *name }\n");
    let json = r#"{"brand": {"name": "A"}, "retry": {"after": {"default": "5s", "504": "30s"}},
        "intercept": {"statuses": [502, "503-504", "5xx"]}, "formats": {"default": "html"},
        "routes": [{"name": "b", "maintenance": true}, {"name": "c", "match": {"host": "b"}}]}"#;
    let folder = Folder::new(&[("a.yaml", &yaml), ("a.json", json)]);
    assert_eq!(folder.bundle(&["a.yaml"]), folder.bundle(&["a.json"]));
}

#[test]
fn relative_references_are_embedded() {
    let html = page(
        "<link rel=stylesheet href='../css/a.css' media=\"screen\">\n\
         <link rel=\"icon\" href=\"dot.png\">\n<style>b{background:url(dot.png)}</style>",
        "<img src=\"dot.png\" alt=\"\"><img src=\"{{brand.logo}}\" alt=\"\">\n\
         <a href=\"dot.png\">link</a>\n<script src=\"a.js\" type=\"module\" defer></script>",
    );
    let folder = Folder::new(&[
        ("s.yaml", SOURCE),
        ("pages/a.html", &html),
        ("pages/a.js", "  // note\n  let a = `x\n    y`\n"),
        (
            "css/a.css",
            "@import \"b.css\" print;\n@font-face { font-family: f; src: url(f.woff2) }\n",
        ),
        ("css/b.css", "c { d: url('../pages/dot.png') }\n"),
    ]);
    folder.write("pages/dot.png", b"PNG");
    folder.write("css/f.woff2", b"F");
    let (_, config) = folder.bundle(&["s.yaml"]);
    let found = config.templates[0].1.html.clone().unwrap().text;
    let expected = page(
        "<style media=\"screen\">@media print{\nc { d: url(data:image/png;base64,UE5H) }\n}\n\
         @font-face { font-family: f; src: url(data:font/woff2;base64,Rg==) }\n</style>\n\
         <link rel=\"icon\" href=\"data:image/png;base64,UE5H\">\n\
         <style>b{background:url(data:image/png;base64,UE5H)}</style>",
        "<img src=\"data:image/png;base64,UE5H\" alt=\"\"><img src=\"{{brand.logo}}\" alt=\"\">\n\
         <a href=\"dot.png\">link</a>\n<script type=\"module\">\n// note\n  let a = `x\n    y`\n</script>",
    );
    assert_eq!(found, expected);
}

#[test]
fn file_references_are_replaced_where_texts_are_allowed() {
    let source = "brand: { logo: { file: a.svg } }\nvars: { x: { file: x.txt } }\n\
                  locales: { strings: { de: { file: de.json } } }\n\
                  pages: [ { strings: { file: words.yml } } ]\n\
                  templates: { t: { text: { file: t.txt }, problem: { file: kept } } }\n";
    let folder = Folder::new(&[
        ("s.yaml", source),
        (
            "a.svg",
            "<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'>\n</svg>",
        ),
        ("x.txt", "y"),
        ("de.json", "{\"title\": \"Ü\"}"),
        ("words.yml", "title: W\n"),
        ("t.txt", "\u{feff}{{vars.x}}"),
    ]);
    let (json, _) = folder.bundle(&["s.yaml"]);
    let expected = r#"{
  "brand": {
    "logo": "<svg xmlns='http://www.w3.org/2000/svg'>\n</svg>"
  },
  "vars": {
    "x": "y"
  },
  "locales": {
    "strings": {
      "de": {
        "title": "Ü"
      }
    }
  },
  "pages": [
    {
      "strings": {
        "title": "W"
      }
    }
  ],
  "templates": {
    "t": {
      "text": "{{vars.x}}",
      "problem": {
        "file": "kept"
      }
    }
  }
}
"#;
    assert_eq!(json, expected);
    folder.write("a.svg", b"<svg><script>x()</script></svg>");
    let (json, _) = folder.bundle(&["s.yaml"]);
    assert!(
        json.contains("\"logo\": \"data:image/svg+xml;base64,"),
        "{json}"
    );
}

#[test]
fn file_references_are_replaced_in_brands_of_hosts_and_in_texts_by_language() {
    let source = "brands: [ { logo: { file: a.svg } }, { match: { hosts: [b.example] }, logo: { file: b.png } } ]\n\
                  vars: { x: { en: { file: en.txt }, de: { file: de.txt } } }\n";
    let folder = Folder::new(&[
        ("s.yaml", source),
        ("a.svg", "<svg><path d='M1 1h7'/></svg>"),
        ("b.png", "PNG"),
        ("en.txt", "Hello"),
        ("de.txt", "Hallo"),
    ]);
    let (_, config) = folder.bundle(&["s.yaml"]);
    let logo = |rule: usize| config.brands[rule].brand.logo.clone().unwrap();
    let svg = "<svg><path d='M1 1h7'/></svg>".to_owned();
    assert_eq!(logo(0), Logo::Svg(svg));
    assert_eq!(
        logo(1),
        Logo::DataUri("data:image/png;base64,UE5H".to_owned())
    );
    let text = &config.vars[0].1;
    assert_eq!((text.get("en"), text.get("de")), ("Hello", "Hallo"));
}

#[test]
fn a_brand_that_an_earlier_one_hides_is_a_warning() {
    let source = "brands:\n  - match: { hosts: [a.example] }\n  - match: { hosts: ['*.example'] }\n  \
                  - match: { hosts: [b.example, '*.c.example'] }\n  - match: { hosts: [b.test, b.example] }\n";
    let folder = Folder::new(&[("s.yaml", source)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    let expected =
        "s.yaml:4:5: warning: brands[2]: is never used: `brands[1]` matches all its hosts\n\
                    1 file checked: 0 errors, 1 warning\n";
    assert_eq!((code, stderr.as_str()), (Some(0), expected));
}

#[test]
fn check_warns_of_blocked_and_inaccessible_content() {
    let html = "<!doctype html>\n<meta http-equiv=Refresh content=30>\n\
        <link rel=stylesheet href=https://cdn.example/a.css>\n\
        <style>@import url(//x.example/b.css);a{b:url(/c.png)}</style>\n\
        <script src=\"/app.js\"></script>\n<p style=\"color:{{brand.color}}\">\n"
        .replace(
            "style=\"color:{{brand.color}}\"",
            "style=\"color:red\" title=\"{{brand.color}}\"",
        );
    let html = html
        + "<img src=http://x.example/y.png>\n<a href=\"javascript:x()\" onclick=\"y()\">é</a>\
           <form action=/x></form>\n<iframe src=/f></iframe><img srcset=\"//x.example/a 2x\" src=\"data:,\" alt>\n";
    let source = "brand: { color: \"#6f8f9f\" }\ntemplates: { a: { html: { file: a.html } } }\n";
    let folder = Folder::new(&[("s.yaml", source), ("a.html", &html)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    assert_eq!(code, Some(0));
    snapbox::assert_data_eq!(stderr, snapbox::file!["../warnings.txt"].raw());
    assert_eq!(folder.fails(&["check", "--strict", "s.yaml"]).0, Some(1));
    // Without the policy, nothing is blocked by it.
    folder.write(
        "s.yaml",
        format!("{source}security: {{ csp: off }}\n").as_bytes(),
    );
    let (_, stderr) = folder.fails(&["check", "s.yaml"]);
    assert!(
        !stderr.contains("onclick") && stderr.contains("reloads by itself"),
        "{stderr}"
    );
}

#[test]
fn text_in_a_logo_is_a_warning_and_paths_are_not() {
    let logo = |inner: &str| {
        let svg = format!("<svg viewBox='0 0 9 9'>{inner}</svg>");
        Folder::new(&[
            ("s.yaml", "brand: { logo: { file: logo.svg } }\n"),
            ("logo.svg", &svg),
        ])
    };
    let (code, stderr) = logo("<text x='1'>A</text>").fails(&["check", "s.yaml"]);
    let expected = "s.yaml:1:10: warning: brand.logo: <text> is drawn in a font of the visitor's \
                    device and may not fit the logo; convert it to paths\n\
                    1 file checked: 0 errors, 1 warning\n";
    assert_eq!((code, stderr.as_str()), (Some(0), expected));
    let (code, stderr) = logo("<path d='M1 1h7'/>").fails(&["check", "s.yaml"]);
    assert_eq!(
        (code, stderr.as_str()),
        (Some(0), "1 file checked: 0 errors\n")
    );
}

#[test]
fn a_size_close_to_its_limit_is_a_warning() {
    let html = page("", &format!("<p>{}</p>", "x".repeat(240_000)));
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &html)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    let expected = "s.yaml:3:5: warning: templates.a.html: 240164 of 262144 bytes of a template \
                    are used\n1 file checked: 0 errors, 1 warning\n";
    assert_eq!((code, stderr.as_str()), (Some(0), expected));
}
