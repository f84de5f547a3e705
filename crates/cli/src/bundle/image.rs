//! `tidegate bundle --as oci`: an OCI image that holds the module, for Istio and Envoy Gateway.
//!
//! Both agents pull an image whose *last* layer has the type `tar+gzip` and holds a file named
//! `plugin.wasm`. They refuse most other layouts, such as a layer that is the bare module, or one that is
//! compressed with zstd. So the image has a single layer of that type and is a plain manifest, no index:
//! from an index they would take the entry for linux/amd64, and its digest, not that of the index.
//!
//! The image is reproducible: the same module gives the same digest on every machine. Times, owners,
//! the header of gzip and the order of JSON keys are fixed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::{Compression, GzBuilder};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const LICENSE: &[u8] = include_bytes!("../../../../LICENSE");

/// Name of the module in the layer. Both agents look for it.
const MODULE_FILE: &str = "plugin.wasm";
/// The first bytes of a WebAssembly module, version 1 (core specification, 5.5.16).
const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
/// The operating system "unknown" in the header of gzip (RFC 1952, 2.3.1).
const UNKNOWN_SYSTEM: u8 = 255;
/// Time of everything in an image. Tools that build reproducible images use the start of Unix time.
const CREATED: &str = "1970-01-01T00:00:00Z";

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The file that marks an image layout (OCI image specification, `image-layout.md`).
const LAYOUT_FILE: &str = "oci-layout";
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const BLOBS: &str = "blobs/sha256";

/// A reference to a blob.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'static str,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, &'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor<'a>,
    layers: [Descriptor<'a>; 1],
    annotations: BTreeMap<&'static str, &'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: [Descriptor<'a>; 1],
}

/// The configuration of an image (OCI image specification, `config.md`).
#[derive(Debug, Serialize)]
struct Config<'a> {
    created: &'static str,
    // The key is required. A module has no architecture, and the agents do not read the key.
    architecture: &'static str,
    os: &'static str,
    config: Labels<'a>,
    rootfs: RootFs,
}

#[derive(Debug, Serialize)]
struct Labels<'a> {
    #[serde(rename = "Labels")]
    labels: BTreeMap<&'static str, &'a str>,
}

#[derive(Debug, Serialize)]
struct RootFs {
    r#type: &'static str,
    diff_ids: [String; 1],
}

/// An image: its blobs, and the index that names it.
#[derive(Debug)]
pub(super) struct Image {
    layer: Vec<u8>,
    config: Vec<u8>,
    manifest: Vec<u8>,
    index: Vec<u8>,
}

impl Image {
    /// Makes the image of a module. `schema` is the JSON Schema of the configuration, and `version` that of
    /// the module, which becomes the tag.
    ///
    /// # Errors
    /// If it is no module.
    pub(super) fn new(module: &[u8], schema: &str, version: &str) -> io::Result<Self> {
        if !module.starts_with(MAGIC) {
            let found = io::ErrorKind::InvalidData;
            return Err(io::Error::new(found, "it is not a WebAssembly module"));
        }
        let files = [
            (MODULE_FILE, module),
            ("config.schema.json", schema.as_bytes()),
            ("LICENSE", LICENSE),
        ];
        let tar = archive(&files)?;
        let layer = compress(&tar)?;
        let labels = BTreeMap::from([
            ("org.opencontainers.image.title", "Tidegate"),
            (
                "org.opencontainers.image.description",
                "Responses for upstream failures, retry hints and circuit breakers: a proxy-wasm filter for Envoy",
            ),
            ("org.opencontainers.image.licenses", "Apache-2.0"),
            ("org.opencontainers.image.version", version),
        ]);
        let config = json(&Config {
            created: CREATED,
            architecture: "amd64",
            os: "linux",
            config: Labels {
                labels: labels.clone(),
            },
            rootfs: RootFs {
                r#type: "layers",
                diff_ids: [digest(&tar)],
            },
        })?;
        let manifest = json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE,
            config: describe(CONFIG_TYPE, &config),
            layers: [describe(LAYER_TYPE, &layer)],
            annotations: labels,
        })?;
        let named = Descriptor {
            annotations: BTreeMap::from([("org.opencontainers.image.ref.name", version)]),
            ..describe(MANIFEST_TYPE, &manifest)
        };
        let index = json(&Index {
            schema_version: 2,
            media_type: INDEX_TYPE,
            manifests: [named],
        })?;
        Ok(Self {
            layer,
            config,
            manifest,
            index,
        })
    }

    /// Returns the digest by which a registry knows the image: that of its manifest.
    pub(super) fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Returns the bytes that are pulled.
    pub(super) fn bytes(&self) -> usize {
        self.layer.len() + self.config.len() + self.manifest.len()
    }

    /// Returns the files of the image layout. The index is the last, so that a layout that has it is
    /// complete.
    fn files(&self) -> Vec<(String, &[u8])> {
        let blobs = [&self.layer, &self.config, &self.manifest];
        let blob = |bytes: &Vec<u8>| format!("{BLOBS}/{}", hex(bytes));
        let mut files = vec![(LAYOUT_FILE.to_owned(), LAYOUT)];
        files.extend(blobs.map(|bytes| (blob(bytes), bytes.as_slice())));
        files.push(("index.json".to_owned(), &self.index));
        files
    }

    /// Writes the image layout: an archive if the name ends in `.tar`, else a folder. Replaces an image of
    /// the same name.
    ///
    /// # Errors
    /// If the system refuses, or the folder holds something else.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        if path.extension().is_some_and(|extension| extension == "tar") {
            let files = self.files();
            let files: Vec<_> = files.iter().map(|(name, b)| (name.as_str(), *b)).collect();
            return super::write(path, &archive(&files)?);
        }
        let is_other = |message| Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        if path.is_file() {
            return is_other("it is a file; allowed: a folder, or an archive that ends in .tar");
        }
        let has_files = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if has_files && !path.join(LAYOUT_FILE).is_file() {
            return is_other("the folder holds something else than an image");
        }
        fs::create_dir_all(path.join(BLOBS))?;
        self.files()
            .into_iter()
            .try_for_each(|(name, bytes)| super::write(&path.join(name), bytes))
    }
}

/// Returns a tar archive of files that belong to root and can be read by all.
fn archive(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, name, *bytes)?;
    }
    archive.into_inner()
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut gzip = gzip.write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    gzip.finish()
}

/// Returns a value as JSON whose keys are in the order of the fields. (The order of a `Value` depends on a
/// feature of `serde_json` that any other crate can turn on.)
fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

fn describe<'a>(media_type: &'static str, bytes: &[u8]) -> Descriptor<'a> {
    Descriptor {
        media_type,
        digest: digest(bytes),
        size: bytes.len(),
        annotations: BTreeMap::new(),
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests;
