//! Fills the resources of `envoy/` with a configuration.

use super::options::{Module, Options, Target};
use crate::source::yaml_safe;

/// The kinds of output of `tidegate bundle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The filter configuration
    Json,
    /// A complete Envoy configuration: listener on port 8080, upstream on port 3000, admin on port 9901
    Envoy,
    /// An entry for `http_filters` of your own Envoy
    EnvoyFilter,
    /// A `WasmPlugin` for Istio
    Istio,
    /// A `TrafficExtension` for Istio 1.30 and later
    #[value(name = "trafficextension")]
    TrafficExtension,
    /// An `EnvoyExtensionPolicy` for Envoy Gateway
    EnvoyGateway,
    /// An OCI image that holds the module, for Istio and Envoy Gateway
    Oci,
}

const ENVOY: &str = include_str!("../../../../envoy/envoy.yaml");
const ISTIO: &str = include_str!("../../../../envoy/istio/wasmplugin.yaml");
const TRAFFIC_EXTENSION: &str = include_str!("../../../../envoy/istio/trafficextension.yaml");
const ENVOY_GATEWAY: &str = include_str!("../../../../envoy/envoy-gateway.yaml");

/// The placeholders of configuration and module in those files.
const EMPTY: &str = "                            {}\n";
/// The comment on an empty configuration in those files.
const OF_EMPTY: &str =
    "                        # An empty one uses the default of every option: neutral pages for every
                        # failure. examples/branded-502 has a brand.
";
const BRAND: &str = "brand:\n";
const MODULE: &str = "dist/tidegate.wasm }";
const URL: &str = "url: oci://registry.example/tidegate:0.1.0\n";
const IMAGE: &str = "        type: Image
        image:
          # The OCI image into which you have put dist/tidegate.wasm.
          url: registry.example/tidegate:0.1.0
";
/// The names in the resources, and what they apply to.
const ISTIO_NAME: &str = "  name: tidegate\n  namespace: istio-system\n";
const ISTIO_TARGET: &str = "  selector:\n    matchLabels:\n      istio: ingressgateway\n";
const GATEWAY_NAME: &str = "  name: tidegate\n  namespace: default\n";
const GATEWAY_TARGET: &str = "  targetRefs:
    - group: gateway.networking.k8s.io
      kind: Gateway
      name: eg
";
/// The filter in [`ENVOY`], from its start to the next filter.
const FILTER: (&str, &str) = (
    "                  - name: tidegate\n",
    "                  - name: envoy.filters.http.router\n",
);

/// Returns the resource with the configuration.
pub(crate) fn make(kind: Kind, json: &str, options: &Options) -> String {
    match kind {
        // An image holds no configuration (image.rs).
        Kind::Json | Kind::Oci => json.to_owned(),
        Kind::Envoy => with_note(&envoy(json, options), A_WHOLE_ENVOY),
        Kind::EnvoyFilter => {
            let whole = envoy(json, options);
            let (_, filter) = whole.split_once(FILTER.0).unwrap_or_default();
            let (filter, _) = filter.rsplit_once(FILTER.1).unwrap_or_default();
            let indent = FILTER.0.len() - FILTER.0.trim_start().len();
            let mut out = FILTER.0.trim_start().to_owned();
            for line in filter.lines() {
                out.push_str(line.get(indent..).unwrap_or_default());
                out.push('\n');
            }
            out
        }
        Kind::Istio => istio(&kubernetes(ISTIO, json), options),
        Kind::TrafficExtension => istio(&kubernetes(TRAFFIC_EXTENSION, json), options),
        Kind::EnvoyGateway => envoy_gateway(&kubernetes(ENVOY_GATEWAY, json), options),
    }
}

fn istio(whole: &str, options: &Options) -> String {
    let mut out = renamed(whole, ISTIO_NAME, "istio-system", options);
    if let Some(Module {
        address, sha256, ..
    }) = &options.module
    {
        let before = out.split(URL).next().unwrap_or_default();
        let indent = before.len() - before.trim_end_matches(' ').len();
        let mut url = format!("url: {}\n", scalar(address));
        if let Some(sha256) = sha256 {
            url += &format!("{}sha256: {}\n", " ".repeat(indent), quoted(sha256));
        }
        out = replace(&out, URL, &url);
    }
    let target = match &options.target {
        None => return with_note(&out, ""),
        Some(Target::Gateway(name)) => gateway(name),
        Some(Target::Labels(labels)) => {
            format!("  selector:\n    matchLabels:\n{}", lines(labels, 6))
        }
    };
    with_note(&replace(&out, ISTIO_TARGET, &target), "")
}

fn envoy_gateway(whole: &str, options: &Options) -> String {
    let mut out = renamed(whole, GATEWAY_NAME, "default", options);
    if let Some(Module {
        address,
        sha256,
        is_web,
    }) = &options.module
    {
        let (kind, key) = match is_web {
            true => ("HTTP", "http"),
            false => ("Image", "image"),
        };
        let mut code = format!(
            "        type: {kind}\n        {key}:\n          url: {}\n",
            scalar(address)
        );
        if let Some(sha256) = sha256 {
            code += &format!("          sha256: {}\n", quoted(sha256));
        }
        out = replace(&out, IMAGE, &code);
    }
    let target = match &options.target {
        None => return with_note(&out, ""),
        Some(Target::Gateway(name)) => gateway(name),
        Some(Target::Labels(labels)) => format!(
            "  targetSelectors:
    - group: gateway.networking.k8s.io
      kind: Gateway
      matchLabels:
{}",
            lines(labels, 8)
        ),
    };
    with_note(&replace(&out, GATEWAY_TARGET, &target), "")
}

/// Returns the resource with the name and the namespace of the options.
fn renamed(whole: &str, names: &str, namespace: &str, options: &Options) -> String {
    let name = options.name.as_deref().unwrap_or("tidegate");
    let namespace = options.namespace.as_deref().unwrap_or(namespace);
    let new = format!(
        "  name: {}\n  namespace: {}\n",
        scalar(name),
        scalar(namespace)
    );
    replace(whole, names, &new)
}

/// Returns the reference to a `Gateway`, which Istio and Envoy Gateway write in the same way.
fn gateway(name: &str) -> String {
    let start = GATEWAY_TARGET.strip_suffix("eg\n").unwrap_or_default();
    format!("{start}{}\n", scalar(name))
}

fn lines(labels: &[(String, String)], indent: usize) -> String {
    let indent = " ".repeat(indent);
    let lines = labels.iter();
    lines
        .map(|(key, value)| format!("{indent}{}: {}\n", scalar(key), scalar(value)))
        .collect()
}

/// Returns a YAML string: without quotes if it cannot be anything else.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:@%+".contains(c);
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    match text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_plain)
        && !text.ends_with(':')
        && !is_word
    {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// Returns a JSON string, which is a YAML string.
fn quoted(text: &str) -> String {
    yaml_safe(&serde_json::Value::from(text).to_string())
}

/// Comments above a resource.
const NOTE: &str = "# Generated by `tidegate bundle`; edit the source and run it again.\n";
const A_WHOLE_ENVOY: &str = "\
# Listens on port 8080 of this machine and forwards to an upstream on port 3000. Replace 127.0.0.1 in `listeners` by
# 0.0.0.0 to let other machines in.
";

/// Replaces the comment above the resource.
fn with_note(resource: &str, more: &str) -> String {
    let mut out = [NOTE, more].concat();
    for line in resource.lines().skip_while(|line| line.starts_with('#')) {
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn envoy(json: &str, options: &Options) -> String {
    let indent = EMPTY.len() - EMPTY.trim_start().len();
    let whole = replace(ENVOY, EMPTY, &indented(json, indent));
    let whole = replace(&whole, OF_EMPTY, "");
    match &options.module {
        Some(module) => replace(&whole, MODULE, &format!("{} }}", quoted(&module.address))),
        None => whole,
    }
}

/// Returns a resource whose last key is the configuration, which is JSON and so YAML.
fn kubernetes(resource: &str, json: &str) -> String {
    let (before, _) = resource.rsplit_once(BRAND).unwrap_or((resource, ""));
    let indent = before.len() - before.trim_end_matches(' ').len();
    [before.trim_end_matches(' '), &indented(json, indent)].concat()
}

fn indented(json: &str, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let lines = json.lines().flat_map(|line| [&blanks, line, "\n"]);
    lines.collect()
}

fn replace(text: &str, from: &str, to: &str) -> String {
    text.replacen(from, to, 1)
}

#[cfg(test)]
mod tests;
