//! The resources that carry a configuration: those of `envoy/`, with it inside.

use crate::source::yaml_safe;

/// What `tidegate bundle` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The filter configuration alone
    Json,
    /// A whole small Envoy: port 8080, an upstream on port 3000
    Envoy,
    /// The filter alone, for `http_filters` of an Envoy of your own
    EnvoyFilter,
    /// A `WasmPlugin` of Istio
    Istio,
    /// An `EnvoyExtensionPolicy` of Envoy Gateway
    EnvoyGateway,
}

const ENVOY: &str = include_str!("../../../../envoy/envoy.yaml");
const ISTIO: &str = include_str!("../../../../envoy/istio/wasmplugin.yaml");
const ENVOY_GATEWAY: &str = include_str!("../../../../envoy/envoy-gateway.yaml");

/// What stands in those files where the configuration and the module come.
const EMPTY: &str = "                            {}\n";
/// What is said there of an empty one.
const OF_EMPTY: &str =
    "                        # Of an empty one everything has its default: neutral pages for every
                        # failure. examples/branded-502 has a brand.
";
const BRAND: &str = "brand:\n";
const MODULE: &str = "dist/tidegate.wasm }";
const IMAGE: &str = "registry.example/tidegate:0.1.0";
/// The filter in [`ENVOY`].
const FILTER: (&str, &str) = (
    "                  - name: tidegate\n",
    "                  - name: envoy.filters.http.router\n",
);

/// The resource with the configuration inside; `module`: where the module is.
pub(crate) fn make(kind: Kind, json: &str, module: Option<&str>) -> String {
    match kind {
        Kind::Json => json.to_owned(),
        Kind::Envoy => with_note(&envoy(json, module), A_WHOLE_ENVOY),
        Kind::EnvoyFilter => {
            let whole = envoy(json, module);
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
        Kind::Istio => {
            let image = ["oci://", IMAGE].concat();
            let whole = kubernetes(ISTIO, json);
            with_note(&replace(&whole, &image, module.unwrap_or(&image)), "")
        }
        Kind::EnvoyGateway => {
            let whole = kubernetes(ENVOY_GATEWAY, json);
            with_note(&replace(&whole, IMAGE, module.unwrap_or(IMAGE)), "")
        }
    }
}

/// What stands above a resource.
const NOTE: &str = "# Made by `tidegate bundle`: change the source, and make it anew.\n";
const A_WHOLE_ENVOY: &str =
    "# It listens on port 8080 and passes everything to an upstream on port 3000 of this machine.\n";

/// The resource with a note in place of what stands above that of `envoy/`.
fn with_note(resource: &str, more: &str) -> String {
    let mut out = [NOTE, more].concat();
    for line in resource.lines().skip_while(|line| line.starts_with('#')) {
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn envoy(json: &str, module: Option<&str>) -> String {
    let indent = EMPTY.len() - EMPTY.trim_start().len();
    let whole = replace(ENVOY, EMPTY, &indented(json, indent));
    let whole = replace(&whole, OF_EMPTY, "");
    match module {
        // A JSON string is a YAML string.
        Some(module) => {
            let module = yaml_safe(&serde_json::Value::from(module).to_string());
            replace(&whole, MODULE, &format!("{module} }}"))
        }
        None => whole,
    }
}

/// The resource whose last key is the configuration: JSON is YAML.
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
mod tests {
    use super::*;

    /// The files of `envoy/` may change; what is put in must find its place.
    #[test]
    fn the_resources_have_a_place_for_everything() {
        for (whole, part) in [
            (ENVOY, EMPTY),
            (ENVOY, OF_EMPTY),
            (ENVOY, MODULE),
            (ENVOY, FILTER.0),
            (ENVOY, FILTER.1),
            (ISTIO, IMAGE),
            (ISTIO, BRAND),
            (ENVOY_GATEWAY, IMAGE),
            (ENVOY_GATEWAY, BRAND),
        ] {
            assert_eq!(whole.matches(part).count(), 1, "{part:?}");
        }
    }
}
