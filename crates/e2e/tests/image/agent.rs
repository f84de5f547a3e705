//! Pulls a module from a registry by the rules of the agents of Istio and Envoy Gateway.
//!
//! Both have the same rules (`pkg/wasm/imagefetcher.go` of Istio, `internal/wasm/imagefetcher.go` of
//! Envoy Gateway), written out here, because neither agent can be installed from a registry of
//! packages.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::registry::Registry;

pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(super) const WASM_LAYER: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Name of the module in a layer that is an archive.
const MODULE_FILE: &str = "plugin.wasm";

/// What an agent has pulled.
#[derive(Debug)]
pub(super) struct Pulled {
    /// The digest that a pinned image is compared with.
    pub(super) digest: String,
    /// The module.
    pub(super) module: Vec<u8>,
}

/// Pulls `name` at a tag or digest.
///
/// # Errors
/// Why the agent refuses the image.
pub(super) fn pull(registry: &Registry, name: &str, reference: &str) -> Result<Pulled, String> {
    let mut response = manifest(registry, name, reference)?;
    if matches!(
        response.header("content-type"),
        Some(OCI_INDEX | DOCKER_LIST)
    ) {
        let index = json(&response);
        let entries = index["manifests"].as_array().into_iter().flatten();
        // The platform of the machine is not asked for.
        let mut entries = entries.filter(|entry| {
            entry["platform"]["os"] == "linux" && entry["platform"]["architecture"] == "amd64"
        });
        let entry = entries.next().ok_or("no entry for linux/amd64")?;
        response = manifest(registry, name, text(&entry["digest"]))?;
    }
    let digest = digest(&response.body);
    let manifest = json(&response);
    let layers: Vec<_> = manifest["layers"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    // The key in the manifest decides, not the header.
    let module = if manifest["mediaType"] == DOCKER_MANIFEST {
        of_last_layer(registry, name, &layers, DOCKER_LAYER)
    } else {
        of_last_layer(registry, name, &layers, OCI_LAYER).or_else(|image| {
            of_artifact(registry, name, &layers).map_err(|artifact| format!("{image}; {artifact}"))
        })
    }?;
    Ok(Pulled { digest, module })
}

/// Returns the module of an image whose last layer is an archive.
fn of_last_layer(
    registry: &Registry,
    name: &str,
    layers: &[&Value],
    media_type: &str,
) -> Result<Vec<u8>, String> {
    let layer = layers.last().ok_or("no layer")?;
    if layer["mediaType"] != media_type {
        return Err(format!("the last layer is {}", layer["mediaType"]));
    }
    let blob = blob(registry, name, layer)?;
    let mut archive = tar::Archive::new(GzDecoder::new(&blob[..]));
    let entries = archive.entries().map_err(|error| error.to_string())?;
    for entry in entries {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let path = entry.path().map_err(|error| error.to_string())?;
        if path.file_name().is_some_and(|name| name == MODULE_FILE) {
            let mut module = Vec::new();
            let read = entry.read_to_end(&mut module);
            return read.map(|_| module).map_err(|error| error.to_string());
        }
    }
    Err(format!("no {MODULE_FILE} in the last layer"))
}

/// Returns the module of an artifact: of its layer that is a bare module.
fn of_artifact(registry: &Registry, name: &str, layers: &[&Value]) -> Result<Vec<u8>, String> {
    if layers.len() != 2 {
        return Err(format!("{} layers", layers.len()));
    }
    let mut layers = layers.iter();
    let layer = layers.find(|layer| layer["mediaType"] == WASM_LAYER);
    blob(registry, name, layer.ok_or("no layer is a module")?)
}

fn manifest(registry: &Registry, name: &str, reference: &str) -> Result<Response, String> {
    let accept = [DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX].join(", ");
    let request = Request::get(&format!("/v2/{name}/manifests/{reference}"));
    let response = registry.send(&request.header("accept", accept));
    match response.status {
        200 => Ok(response),
        status => Err(format!("{name}:{reference}: status {status}")),
    }
}

fn blob(registry: &Registry, name: &str, layer: &Value) -> Result<Vec<u8>, String> {
    let expected = text(&layer["digest"]);
    let response = registry.send(&Request::get(&format!("/v2/{name}/blobs/{expected}")));
    match digest(&response.body) == expected {
        true => Ok(response.body),
        false => Err(format!("{expected}: status {}", response.status)),
    }
}

/// Returns the digest of bytes as registries write it.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// Returns the SHA-256 of bytes as Envoy writes it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
