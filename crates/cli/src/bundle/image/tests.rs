//! The bytes of an image.

use std::io::Read as _;

use flate2::read::GzDecoder;

use super::*;

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

const MANIFEST: &str = concat!(
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
    r#""config":{"mediaType":"application/vnd.oci.image.config.v1+json","#,
    r#""digest":"sha256:a92e4f66102cb4584e262bb31767d55c41569df0ff1a57652ad0f8998fae00fa","#,
    r#""size":480},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","#,
    r#""digest":"sha256:ffac66e578c495b9e074198e68e186fe5ba2ceb0a941d8188b17646fde68ba36","#,
    r#""size":4128}],"#,
    r#""annotations":{"org.opencontainers.image.description":"Responses for upstream failures, retry hints and circuit breakers: a proxy-wasm filter for Envoy","#,
    r#""org.opencontainers.image.licenses":"Apache-2.0","#,
    r#""org.opencontainers.image.title":"Tidegate","org.opencontainers.image.version":"1.2.3"}}"#
);

const CONFIG: &str = concat!(
    r#"{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","#,
    r#""config":{"Labels":{"org.opencontainers.image.description":"Responses for upstream failures, retry hints and circuit breakers: a proxy-wasm filter for Envoy","#,
    r#""org.opencontainers.image.licenses":"Apache-2.0","#,
    r#""org.opencontainers.image.title":"Tidegate","org.opencontainers.image.version":"1.2.3"}},"#,
    r#""rootfs":{"type":"layers","diff_ids":["{diff_id}"]}}"#
);

fn image() -> Image {
    Image::new(MODULE, "{}\n", "1.2.3").unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn unpacked(layer: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    GzDecoder::new(layer).read_to_end(&mut tar).unwrap();
    tar
}

/// Users pin an image by these bytes. A new version of a crate that changes them gives the same module a
/// new digest.
#[test]
fn a_module_always_has_the_same_manifest() {
    let image = image();
    assert_eq!(text(&image.manifest), MANIFEST);
    assert_eq!(
        image.digest(),
        "sha256:b2c338ebaf9c79d2c59aebaebab63fee039def13ed8c5f7938fc393df37074ca"
    );
}

#[test]
fn the_configuration_names_system_labels_and_the_uncompressed_layer() {
    let image = image();
    let expected = CONFIG.replace("{diff_id}", &digest(&unpacked(&image.layer)));
    assert_eq!(text(&image.config), expected);
}

#[test]
fn the_layer_holds_three_files_that_depend_on_nothing_but_their_content() {
    let image = image();
    // RFC 1952, 2.3: no flags, no time, strongest compression, an unknown system.
    assert_eq!(image.layer[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    let tar = unpacked(&image.layer);
    let mut found = Vec::new();
    for entry in tar::Archive::new(&tar[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        assert_eq!(header.mode().unwrap(), 0o644);
        assert_eq!(header.uid().unwrap() + header.gid().unwrap(), 0);
        assert_eq!(header.mtime().unwrap(), 0);
        assert_eq!(header.username().unwrap(), Some(""));
        found.push((entry.path().unwrap().display().to_string(), content));
    }
    let expected = [
        ("plugin.wasm", MODULE),
        ("config.schema.json", b"{}\n"),
        ("LICENSE", LICENSE),
    ];
    assert_eq!(
        found,
        expected.map(|(name, content)| (name.to_owned(), content.to_vec()))
    );
}

#[test]
fn the_index_names_one_manifest_and_its_tag() {
    let image = image();
    let expected = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"1.2.3"}}}}]}}"#,
        image.digest(),
        image.manifest.len()
    );
    assert_eq!(text(&image.index), expected);
}

#[test]
fn what_is_no_module_is_refused() {
    // The last one is a component (component model, binary format).
    for bytes in [&b""[..], b"\0asm", b"{}", b"\0asm\x0d\0\x01\0"] {
        let error = Image::new(bytes, "{}", "1.2.3").unwrap_err();
        assert_eq!(error.to_string(), "it is not a WebAssembly module");
    }
}
