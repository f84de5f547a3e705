//! What `tidegate bundle` writes.

use std::fs;

use crate::{page, text, Folder, SOURCE};

#[test]
fn bundle_prints_sizes_and_writes_a_file() {
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &page("", ""))]);
    let (code, stderr) = folder.fails(&["bundle", "s.yaml", "-o", "filter.json"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stderr,
        "templates.a.html       157 of  262144 bytes,   1 %\n\
         the configuration      282 of 1048576 bytes,   1 %\n"
    );
    let written = fs::read_to_string(folder.path().join("filter.json")).unwrap();
    assert_eq!(written, folder.bundle(&["s.yaml"]).0);
    assert_eq!(written, folder.bundle(&["s.yaml", "-o", "-"]).0);
    assert!(!folder.path().join("-").exists());
    let expected = "pages/a.html: is a file of the source; nothing was written\n";
    let (code, stderr) = folder.fails(&["bundle", "s.yaml", "-o", "pages/a.html"]);
    assert!(code == Some(2) && stderr.ends_with(expected), "{stderr}");
    let (code, stderr) = folder.fails(&["bundle", "s.yaml", "-o", "none/filter.json"]);
    let expected = "none/filter.json: cannot be written: No such file or directory (os error 2)\n";
    assert!(code == Some(2) && stderr.ends_with(expected), "{stderr}");
}

/// Every resource contains the configuration unchanged.
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
        ("trafficextension", "oci://x/y:1", "    pluginConfig:\n"),
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

/// Annotations of an object have at most 262,144 bytes, and Go writes `<` as six.
#[test]
fn a_resource_that_kubectl_cannot_keep_in_an_annotation_is_said() {
    let said = |kind: &str, body: &str| {
        let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &page("", body))]);
        let output = folder.run(&["bundle", "s.yaml", "--as", kind]);
        let stderr = text(&output.stderr);
        let line = stderr.lines().find(|line| line.contains("kubectl"));
        line.map(str::to_owned)
    };
    let expected = |bytes: usize| {
        Some(format!(
            "use `kubectl apply --server-side`: `kubectl apply` keeps the resource in an annotation, which \
             would have {bytes} of 262144 bytes"
        ))
    };
    let (letters, tags) = ("x".repeat(261_900), "<b>".repeat(20_200));
    for (kind, body, bytes) in [
        ("istio", letters.as_str(), 262_505),
        ("istio", tags.as_str(), 263_205),
        ("trafficextension", &letters, 262_520),
        ("envoy-gateway", &letters, 262_578),
    ] {
        let said = said(kind, body);
        assert_eq!(said, expected(bytes), "{kind}");
    }
    for kind in ["istio", "envoy-gateway"] {
        assert_eq!(said(kind, &"x".repeat(260_000)), None, "{kind}");
    }
    for kind in ["json", "envoy", "envoy-filter"] {
        assert_eq!(said(kind, &letters), None, "{kind}");
    }
}

/// Returns the exit code, the resource and standard error of `bundle`.
fn resource(args: &[&str]) -> (Option<i32>, String, String) {
    let folder = Folder::new(&[("s.yaml", "brand: { name: A }\n")]);
    let output = folder.run(&[&["bundle", "s.yaml", "--as"], args].concat());
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn the_module_must_be_where_the_proxy_can_load_it() {
    for (kind, module, allowed) in [
        (
            "istio",
            "foo.wasm",
            "oci://…, https://…, http://… or file://…",
        ),
        (
            "trafficextension",
            "ftp://x/y",
            "oci://…, https://…, http://… or file://…",
        ),
        (
            "envoy-gateway",
            "dist/tidegate.wasm",
            "an image such as registry.example/tidegate:0.1.0, https://… or http://…",
        ),
        (
            "envoy-gateway",
            "file:///tidegate.wasm",
            "an image such as registry.example/tidegate:0.1.0, https://… or http://…",
        ),
        (
            "envoy",
            "https://x/tidegate.wasm",
            "the path of a file, since Envoy itself loads the module from there",
        ),
    ] {
        let expected = format!("--module: found {module:?}; allowed: {allowed}\n");
        let (code, stdout, stderr) = resource(&[kind, "--module", module]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{kind}");
        assert_eq!(stderr, expected);
    }
}

#[test]
fn a_module_of_a_web_server_has_its_own_type_and_checksum() {
    let web = ["--module", "https://x.example/y.wasm", "--sha256", SHA256];
    let (code, gateway, _) = resource(&[&["envoy-gateway"][..], &web].concat());
    let expected = format!(
        "        type: HTTP\n        http:\n          url: https://x.example/y.wasm\n          sha256: \"{SHA256}\"\n"
    );
    assert!(code == Some(0) && gateway.contains(&expected), "{gateway}");
    let (_, istio, _) = resource(&[&["istio"][..], &web].concat());
    let expected = format!("  url: https://x.example/y.wasm\n  sha256: \"{SHA256}\"\n");
    assert!(istio.contains(&expected), "{istio}");
    let (_, image, _) = resource(&["envoy-gateway", "--module", "oci://r.example/t:1"]);
    assert!(image.contains("        type: Image\n        image:\n          url: r.example/t:1\n"));
    for sha256 in ["123", &SHA256.replace('0', "g")] {
        let (code, _, stderr) = resource(&["istio", "--module", "oci://x/y", "--sha256", sha256]);
        assert!(
            code == Some(2) && stderr.starts_with("--sha256: found "),
            "{stderr}"
        );
    }
}

#[test]
fn name_namespace_and_target_can_be_chosen() {
    let names = ["--name", "on", "--namespace", "shop"];
    let labels = ["--selector", "app=shop", "--selector", "x.example/y=1"];
    for (kind, target, expected) in [
        ("istio", &labels[..], "  selector:\n    matchLabels:\n      app: shop\n      x.example/y: \"1\"\n"),
        (
            "envoy-gateway",
            &labels[..],
            "  targetSelectors:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      matchLabels:\n        app: shop\n        x.example/y: \"1\"\n",
        ),
        (
            "trafficextension",
            &["--gateway", "public"][..],
            "  targetRefs:\n    - group: gateway.networking.k8s.io\n      kind: Gateway\n      name: public\n",
        ),
    ] {
        let (code, made, stderr) = resource(&[&[kind], &names[..], target].concat());
        assert_eq!(code, Some(0), "{stderr}");
        assert!(made.contains("metadata:\n  name: \"on\"\n  namespace: shop\n"), "{made}");
        assert!(made.contains(expected), "{made}");
        assert!(stderr.contains("--module sets it"), "{stderr}");
    }
}

#[test]
fn options_that_a_resource_does_not_have_are_refused() {
    for (args, expected) in [
        (["json", "--module", "x"], "--module has no place"),
        (["envoy", "--name", "x"], "--name has no place"),
        (
            ["istio", "--name", "A_b"],
            "--name: found \"A_b\"; allowed: lower-case letters",
        ),
        (
            ["istio", "--selector", "x"],
            "--selector: found \"x\"; allowed: a label",
        ),
    ] {
        let (code, _, stderr) = resource(&args);
        assert!(code == Some(2) && stderr.starts_with(expected), "{stderr}");
    }
}
