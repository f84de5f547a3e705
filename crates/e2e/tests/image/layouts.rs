//! What the agents accept, and what they refuse. This tests the rules of [`super::agent`], which judge
//! the image.

use flate2::write::GzEncoder;
use flate2::Compression;
use serde_json::{json, Value};
use tidegate_e2e::registry::Registry;

use super::agent::{
    digest, pull, DOCKER_LAYER, DOCKER_MANIFEST, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, WASM_LAYER,
};

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// An image or artifact: the type of its manifest, and the type and content of each layer.
struct Layout<'a> {
    manifest: &'a str,
    layers: &'a [(&'a str, Vec<u8>)],
}

fn tar(name: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(MODULE.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, name, MODULE)
        .expect("write an archive");
    archive.into_inner().expect("write an archive")
}

fn gzip(name: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar(name)).expect("compress");
    gzip.finish().expect("compress")
}

/// Pushes a layout as `name:1` and returns its manifest.
fn push(registry: &Registry, name: &str, layout: &Layout<'_>) -> Vec<u8> {
    let describe = |media_type: &str, bytes: &[u8]| {
        registry.push_blob(name, &digest(bytes), bytes);
        json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
    };
    let layers = layout.layers.iter();
    let layers: Vec<Value> = layers.map(|(kind, bytes)| describe(kind, bytes)).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": layout.manifest,
        "config": describe("application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    registry.push_manifest(name, "1", layout.manifest, &manifest);
    manifest
}

#[test]
fn the_agents_accept_three_layouts() {
    let registry = Registry::start();
    let other = || ("application/json", b"{}".to_vec());
    let raw = || (WASM_LAYER, MODULE.to_vec());
    for (name, manifest, layers) in [
        (
            "docker",
            DOCKER_MANIFEST,
            vec![
                (DOCKER_LAYER, gzip("other")),
                (DOCKER_LAYER, gzip("plugin.wasm")),
            ],
        ),
        ("oci", OCI_MANIFEST, vec![(OCI_LAYER, gzip("plugin.wasm"))]),
        (
            "oci-last",
            OCI_MANIFEST,
            vec![
                (OCI_LAYER, gzip("other")),
                (OCI_LAYER, gzip("a/plugin.wasm")),
            ],
        ),
        ("artifact", OCI_MANIFEST, vec![raw(), other()]),
        ("artifact-second", OCI_MANIFEST, vec![other(), raw()]),
    ] {
        let layers = &layers;
        let pushed = push(&registry, name, &Layout { manifest, layers });
        let pulled = pull(&registry, name, "1").expect(name);
        assert_eq!(pulled.module, MODULE, "{name}");
        assert_eq!(pulled.digest, digest(&pushed), "{name}");
    }
}

#[test]
fn the_agents_refuse_other_layouts() {
    let registry = Registry::start();
    let other = || ("application/json", b"{}".to_vec());
    let raw = || (WASM_LAYER, MODULE.to_vec());
    for (name, manifest, layers, expected) in [
        (
            "bare-module",
            OCI_MANIFEST,
            vec![("application/wasm", MODULE.to_vec())],
            r#"the last layer is "application/wasm"; 1 layers"#,
        ),
        (
            "single-layer-artifact",
            OCI_MANIFEST,
            vec![raw()],
            r#"the last layer is "application/vnd.module.wasm.content.layer.v1+wasm"; 1 layers"#,
        ),
        (
            "three-layer-artifact",
            OCI_MANIFEST,
            vec![raw(), other(), ("text/plain", b"x".to_vec())],
            r#"the last layer is "text/plain"; 3 layers"#,
        ),
        (
            "zstd",
            OCI_MANIFEST,
            // The content is not read.
            vec![(
                "application/vnd.oci.image.layer.v1.tar+zstd",
                tar("plugin.wasm"),
            )],
            r#"the last layer is "application/vnd.oci.image.layer.v1.tar+zstd"; 1 layers"#,
        ),
        (
            "not-compressed",
            OCI_MANIFEST,
            vec![("application/vnd.oci.image.layer.v1.tar", tar("plugin.wasm"))],
            r#"the last layer is "application/vnd.oci.image.layer.v1.tar"; 1 layers"#,
        ),
        (
            "not-the-last-layer",
            OCI_MANIFEST,
            vec![
                (OCI_LAYER, gzip("plugin.wasm")),
                (OCI_LAYER, gzip("other")),
                other(),
            ],
            r#"the last layer is "application/json"; 3 layers"#,
        ),
        (
            "another-name",
            OCI_MANIFEST,
            vec![(OCI_LAYER, gzip("tidegate.wasm"))],
            "no plugin.wasm in the last layer; 1 layers",
        ),
        (
            "docker-with-a-layer-of-oci",
            DOCKER_MANIFEST,
            vec![(OCI_LAYER, gzip("plugin.wasm"))],
            r#"the last layer is "application/vnd.oci.image.layer.v1.tar+gzip""#,
        ),
        ("empty", OCI_MANIFEST, vec![], "no layer; 0 layers"),
    ] {
        let layers = &layers;
        push(&registry, name, &Layout { manifest, layers });
        let refused = pull(&registry, name, "1").expect_err(name);
        assert_eq!(refused, expected, "{name}");
    }
}

/// So the digest of an index cannot be pinned: the agents compare it with that of a manifest.
#[test]
fn the_agents_take_the_amd64_entry_of_an_index() {
    let registry = Registry::start();
    let layers = &[(OCI_LAYER, gzip("plugin.wasm"))];
    let manifest = OCI_MANIFEST;
    let pushed = push(&registry, "index", &Layout { manifest, layers });
    for (tag, architecture, is_taken) in [("amd64", "amd64", true), ("arm64", "arm64", false)] {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [{
                "mediaType": OCI_MANIFEST,
                "digest": digest(&pushed),
                "size": pushed.len(),
                "platform": { "os": "linux", "architecture": architecture },
            }],
        });
        let index = index.to_string();
        registry.push_manifest("index", tag, OCI_INDEX, index.as_bytes());
        let pulled = pull(&registry, "index", tag).map(|pulled| pulled.digest);
        let expected = match is_taken {
            true => Ok(digest(&pushed)),
            false => Err("no entry for linux/amd64".to_owned()),
        };
        assert_eq!(pulled, expected);
    }
}
