//! Sources of pages: what `init`, `check`, `bundle` and `preview` make of them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use tidegate_core::config::Config;
use tidegate_core::page::Pages;
use tidegate_core::reason::Reason;

/// A folder with a source in it.
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

    /// Exit code and standard error.
    fn fails(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.run(args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        (output.status.code(), text(&output.stderr))
    }

    /// The bundle, and the configuration that it is.
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

/// A page that nothing can be said against, with something in its head and in its body.
fn page(head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{{{{lang}}}}\" dir=\"{{{{dir}}}}\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{{{{title}}}}</title>\n{head}\n{body}\n"
    )
}

const SOURCE: &str = "templates:\n  a:\n    html: { file: pages/a.html }\n";

#[test]
fn a_started_source_is_in_order_and_can_be_bundled() {
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
        "<style>:root{",
        "src=\"data:image/svg+xml;base64,",
        "{{#each links}}",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for part in ["shop.css", "{{!", "../images"] {
        assert!(!html.contains(part), "{part}");
    }
    assert!(json.len() < 8_000, "{} bytes", json.len());
    // The filter's configuration is a source too, and the same one.
    folder.write("own/filter.json", json.as_bytes());
    assert_eq!(folder.bundle(&["own/filter.json"]).0, json);
    assert_eq!(
        folder.fails(&["check", "--strict", "own/filter.json"]),
        (Some(0), "1 file checked: 0 errors\n".to_owned())
    );
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new(&[("own/pages/shop.css", "mine")]);
    assert_eq!(
        folder.fails(&["init", "own"]),
        (
            Some(1),
            "own/pages/shop.css: is there already; nothing was written\n".to_owned()
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
fn everything_local_is_in_the_page() {
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
        "<style media=\"screen\">@media print{c{d:url(data:image/png;base64,UE5H)}}\
         @font-face{font-family:f;src:url(data:font/woff2;base64,Rg==)}</style>\n\
         <link rel=\"icon\" href=\"data:image/png;base64,UE5H\">\n\
         <style>b{background:url(data:image/png;base64,UE5H)}</style>",
        "<img src=\"data:image/png;base64,UE5H\" alt=\"\"><img src=\"{{brand.logo}}\" alt=\"\">\n\
         <a href=\"dot.png\">link</a>\n<script type=\"module\">let a = `x\n    y`\n</script>",
    );
    assert_eq!(found, expected);
    let (_, config) = folder.bundle(&["s.yaml", "--no-minify"]);
    let found = config.templates[0].1.html.clone().unwrap().text;
    assert!(found.contains("@font-face { font-family: f; src: url(data:font/woff2;base64,Rg==) }"));
    assert!(found.contains("// note"));
}

#[test]
fn files_come_where_a_text_can_be_one() {
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

/// Each source, beside `outside.css`, with what is told of it.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    let with = |reference: &str| page(reference, "");
    let big = format!("<p>{}</p>", "x".repeat(300_000));
    let table: Vec<(&str, String, String)> = vec![
        (
            "a name that nobody knows",
            with("<p>\n  {{titel}}"),
            "s/pages/a.html:6:3: templates.a.html: found \"{{titel}}\": no such name; did you mean `title`?".into(),
        ),
        (
            "a missing picture",
            with("<p>é<img src=\"none.png\" alt=\"\">"),
            "s/pages/a.html:5:14: \"none.png\" cannot be read: No such file or directory".into(),
        ),
        (
            "a way out",
            with("<link rel=stylesheet href=../../outside.css>"),
            "s/pages/a.html:5:27: \"../../outside.css\" leads out of the folder of the source, which nothing may".into(),
        ),
        (
            "a link out",
            with("<style>@import 'link.css';</style>"),
            "s/pages/a.html:5:8: \"link.css\" leads out of the folder of the source, which nothing may".into(),
        ),
        (
            "a folder",
            with("<img src=\"../pages\" alt=\"\">"),
            "s/pages/a.html:5:10: \"../pages\" is not a file".into(),
        ),
        (
            "styles that import each other",
            with("<link rel=stylesheet href=one.css>"),
            "s/pages/two.css:1:1: s/pages/one.css imports itself (by way of s/pages/one.css, s/pages/two.css)".into(),
        ),
        (
            "a tag in a style",
            with("<link rel=stylesheet href=tag.css>"),
            "s/pages/tag.css:2:4: found \"{{\", which begins a tag of a template; allowed: none in a style sheet or script (`delimiters` chooses other tags)".into(),
        ),
        (
            "a script that ends its block",
            with("<script src=end.js></script>"),
            "s/pages/end.js:1:6: found \"</script\", which would end the block; allowed: none".into(),
        ),
        (
            "a script that would run too early",
            with("<script src=fine.js defer></script>"),
            "s/pages/a.html:5:1: `defer` does nothing on a script that stands in the page; allowed: the script where it is to run, as at the end of the body, or type=\"module\"".into(),
        ),
        (
            "a picture that is none",
            with("<img src=fine.js alt>"),
            "s/pages/a.html:5:10: s/pages/fine.js is no picture or font that a page can hold, by its name".into(),
        ),
        (
            "a picture that is too large",
            with("<img src=huge.png alt>"),
            "s/pages/a.html:5:10: s/pages/huge.png has 300000 bytes; allowed: at most 262144 for a whole template".into(),
        ),
        (
            "pictures that are too large together",
            with("<img src=half.png alt><style>a{b:url(half.png)}</style>"),
            "s/s.yaml:3:5: templates.a.html: found 266888 bytes; allowed: at most 262144; s/pages/half.png takes 133358, s/pages/half.png takes 133358".into(),
        ),
        (
            "a style that is no text",
            with("<link rel=stylesheet href=latin.css>"),
            "s/pages/latin.css:2:2: not UTF-8; allowed: text in UTF-8".into(),
        ),
        (
            "a page that is too large as it is",
            with(&big),
            "s/s.yaml:3:5: templates.a.html: found 300139 bytes; allowed: at most 262144".into(),
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
fn what_is_wrong_with_the_source_itself_is_told_with_its_place() {
    for (name, source, expected) in [
        ("s.yaml", "a: [1\nb: 2\n", "s.yaml:2:2: not YAML: "),
        (
            "s.yaml",
            "mode: of\n",
            "s.yaml:1:1: mode: found \"of\"; allowed: ",
        ),
        (
            "s.yaml",
            "a: 1\n---\nb: 2\n",
            "s.yaml:2:1: a second document; allowed: one",
        ),
        (
            "s.yaml",
            "? [a]\n: b\n",
            "s.yaml:1:3: a key that is not a text",
        ),
        (
            "s.yaml",
            "templates:\n  a:\n    html: |\n      <p>\n      {{x y}}\n",
            "s.yaml:5:7: templates.a.html: found \"{{x y}}\": no such name",
        ),
        (
            "s.yaml",
            "templates:\n  a:\n    html: \"<p>\\n{{x}}\"\n",
            "s.yaml:3:5: templates.a.html: line 2, column 1: found \"{{x}}\": no such name",
        ),
        (
            "s.json",
            "{\"templates\": {\n  \"a\": {\"html\": \"{{x}}\", \"text\": \"\\ud83d\\ude00\"}}}",
            "s.json: templates.a.html: line 1, column 1: found \"{{x}}\": no such name",
        ),
        (
            "s.yaml",
            "mode: { file: x }\n",
            "s.yaml:1:1: mode: found a reference to the file \"x\"; allowed: its content; only ",
        ),
        (
            "s.yaml",
            "locales: { strings: { de: { file: s.yaml } } }\n",
            "s.yaml:1:35: s.yaml refers to itself",
        ),
        (
            "s.yaml",
            "locales: { strings: { de: { file: de.yaml } } }\n",
            "de.yaml:1:9: de.yaml refers to itself",
        ),
        (
            "s.yaml",
            "brand: { logo: { file: de.yaml } }\n",
            "s.yaml:1:24: \"de.yaml\" is no picture by its name",
        ),
        (
            "s.yaml",
            "vars: { x: { file: /etc/hostname } }\n",
            "s.yaml:1:20: \"/etc/hostname\" is an absolute path; allowed: one relative to s.yaml",
        ),
        (
            "s.yaml",
            "vars: { x: { file: \"\" } }\n",
            "s.yaml:1:20: the name of the file is missing",
        ),
        (
            "s.yaml",
            "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
             c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
             e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
            "s.yaml:5:",
        ),
    ] {
        let folder = Folder::new(&[(name, source), ("de.yaml", "{ file: de.yaml }")]);
        let (code, stderr) = folder.fails(&["bundle", name]);
        assert_eq!(code, Some(1), "{source}");
        assert!(stderr.starts_with(expected), "{source}\n{stderr}{expected}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let folder = Folder::new(&[("s.yaml", &deep)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("s.yaml:1:259: not YAML: recursion limit exceeded\n"),
        "{stderr}"
    );
}

#[test]
fn check_warns_of_what_is_unwise() {
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
           <form action=/x></form>\n<iframe src=/f></iframe><img srcset=\"a 2x\" src=\"data:,\" alt>\n";
    let source = "brand: { color: \"#6f8f9f\" }\ntemplates: { a: { html: { file: a.html } } }\n";
    let folder = Folder::new(&[("s.yaml", source), ("a.html", &html)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    assert_eq!(code, Some(0));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/warnings.txt");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(&golden, &stderr).unwrap();
    }
    assert_eq!(fs::read_to_string(golden).unwrap(), stderr);
    assert_eq!(folder.fails(&["check", "--strict", "s.yaml"]).0, Some(1));
    // Without the policy nothing is blocked by it.
    folder.write(
        "s.yaml",
        format!("{source}security: {{ csp: off }}\n").as_bytes(),
    );
    let (_, stderr) = folder.fails(&["check", "s.yaml"]);
    assert!(
        !stderr.contains("onclick") && stderr.contains("reloads itself"),
        "{stderr}"
    );
}

#[test]
fn a_size_close_to_its_limit_is_told() {
    let html = page("", &format!("<p>{}</p>", "x".repeat(240_000)));
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &html)]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    let expected =
        "s.yaml:3:5: templates.a.html: warning: 240138 of the 262144 bytes of a template \
                    are used\n1 file checked: 0 errors, 1 warning\n";
    assert_eq!((code, stderr.as_str()), (Some(0), expected));
}

#[test]
fn bundle_tells_its_size_and_writes_a_file() {
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &page("", ""))]);
    let (code, stderr) = folder.fails(&["bundle", "s.yaml", "-o", "filter.json"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stderr,
        "templates.a.html       130 of  262144 bytes,   1 %\n\
         the configuration      201 of 1048576 bytes,   1 %\n"
    );
    let written = fs::read_to_string(folder.path().join("filter.json")).unwrap();
    assert_eq!(written, folder.bundle(&["s.yaml"]).0);
    let expected = "pages/a.html: is a file of the source; nothing was written\n";
    let (code, stderr) = folder.fails(&["bundle", "s.yaml", "-o", "pages/a.html"]);
    assert!(code == Some(2) && stderr.ends_with(expected), "{stderr}");
    let (code, _) = folder.fails(&["bundle", "s.yaml", "-o", "none/filter.json"]);
    assert_eq!(code, Some(2));
}

/// What is inside of each resource is the configuration, whatever stands in it.
#[test]
fn the_resources_hold_the_configuration() {
    let folder = Folder::new(&[
        ("s.yaml", SOURCE),
        (
            "pages/a.html",
            &page("", "<p title='a \u{a0}'>#: %\t\\ \u{2028}\"é</p>"),
        ),
    ]);
    let (json, _) = folder.bundle(&["s.yaml"]);
    assert!(!json.contains('\u{2028}'));
    for (kind, module, head) in [
        ("envoy", "../x \"y\".wasm", "          value: |\n"),
        ("envoy-filter", "../x \"y\".wasm", "    value: |\n"),
        ("istio", "oci://x/y:1", "  pluginConfig:\n"),
        ("envoy-gateway", "x/y:1", "      config:\n"),
    ] {
        let output = folder.run(&["bundle", "s.yaml", "--as", kind, "--module", module]);
        let resource = text(&output.stdout);
        let module = module.replace('"', "\\\"");
        assert!(resource.contains(&module), "{resource}");
        assert!(!resource.contains("registry.example"), "{kind}");
        let (_, rest) = resource.split_once(head).unwrap();
        let indent = rest.len() - rest.trim_start_matches(' ').len();
        let lines = rest
            .lines()
            .take_while(|line| line.starts_with(&" ".repeat(indent)));
        let inner: String = lines.map(|line| format!("{}\n", &line[indent..])).collect();
        assert_eq!(inner, json, "{kind}");
    }
}

/// The pages that are written are those of the filter, one for each case.
#[test]
fn preview_writes_every_page() {
    let source = "brand: { name: A }\ntemplates: { a: { html: { file: pages/a.html } } }\n\
                  pages: [ { match: { reasons: [circuit_open] }, template: a } ]\n";
    let html = page("", "<p>{{reason}} {{lang}} {{retry_after}}");
    let folder = Folder::new(&[("s.yaml", source), ("pages/a.html", &html)]);
    let (code, stderr) = folder.fails(&["preview", "s.yaml", "--out", "out"]);
    assert_eq!(code, Some(0), "{stderr}");
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let reasons = Reason::ALL.len() - 1;
    let languages = Pages::new(&Config::default()).languages().count();
    // What a visitor gets, the rule, the template: in five forms.
    let count = (reasons + 1 + reasons) * languages * 5;
    assert_eq!(
        stderr,
        format!("{count} pages written; out/index.html shows them\n")
    );
    let own = read("rule-0/circuit_open.de.html");
    assert!(own.ends_with("<p>circuit_open de 2\n"), "{own}");
    assert_eq!(read("page/circuit_open.de.html"), own);
    assert!(read("page/connection_refused.ar.html").contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert!(read("template-a/dns_error.en.html").ends_with("<p>dns_error en 10\n"));
    assert!(read("page/dns_error.en.json").contains("\"reason\":\"dns_error\""));
    assert_eq!(
        read("page/maintenance.en.line.txt"),
        "503 Service Unavailable (maintenance)\n"
    );
    assert!(read("index.html").contains("\"slug\":\"rule-0\""));
}

/// A command that serves; it ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn preview_shows_what_is_there_now() {
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &page("", "<p>one"))]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["preview", "s.yaml", "--port", "0"]);
    command.current_dir(folder.path());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let mut line = String::new();
    let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    let port = line
        .split(['/', ':'])
        .find_map(|part| part.parse::<u16>().ok());
    let port = port.unwrap_or_else(|| panic!("{line}"));
    let get = |host: &str, path: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let shown = |path: &str| get(&format!("localhost:{port}"), path);
    let page_at = |way: &str| shown(&format!("/{way}/template-a/dns_error/en/get/html"));

    let answer = page_at("served");
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(answer.contains("frame-ancestors 'none'\r\n") && answer.ends_with("<p>one\n"));
    let framed = page_at("framed");
    assert!(framed.contains("frame-ancestors 'self'\r\n") && framed.ends_with("<p>one\n"));
    assert!(shown("/").contains("<title>Pages – Tidegate</title>"));
    assert!(shown("/state.json").contains("\"version\":1,\"wrong\":\"\""));

    folder.write("pages/a.html", page("", "<p>the second").as_bytes());
    assert!(page_at("served").ends_with("<p>the second\n"));
    assert!(shown("/state.json").contains("\"version\":2,"));
    folder.write("pages/a.html", page("", "<p>{{third}}").as_bytes());
    assert!(page_at("served").ends_with("<p>the second\n"));
    let state = shown("/state.json");
    assert!(
        state.contains("pages/a.html:6:4: ") && state.contains("\"version\":3,"),
        "{state}"
    );

    for path in [
        "/served/template-a/dns_error/xx/get/html",
        "/served/../s.yaml",
        "/s.yaml",
    ] {
        assert!(shown(path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    assert!(get("evil.example", "/").starts_with("HTTP/1.1 403 "));
}
