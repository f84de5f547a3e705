//! Finds the filter configurations in files of Envoy, Istio and Envoy Gateway.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;

use tidegate_core::diagnostics::nearest;

use super::{read, Mark, Node, Value};

/// The type of Envoy's Wasm filter.
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// Keys that only files of Envoy have at their top.
const OF_ENVOY: [&str; 14] = [
    "@type",
    "admin",
    "dynamicResources",
    "dynamic_resources",
    "filterChains",
    "filter_chains",
    "httpFilters",
    "http_filters",
    "node",
    "resources",
    "staticResources",
    "static_resources",
    "typedConfig",
    "typed_config",
];
/// Keys whose values are the filter configuration.
const CONFIGS: [&str; 3] = ["configuration", "pluginConfig", "config"];

/// A Wasm plugin of a file.
#[derive(Debug)]
pub(super) struct Plugin {
    /// Its configuration; `None` if it has none.
    config: Option<Node>,
    /// The key of the configuration, and one that may be meant by it, if there is no configuration.
    key: &'static str,
    meant: Option<String>,
    /// Where it would be.
    mark: Mark,
    /// Whether its name or its module says that it is Tidegate.
    is_named: bool,
}

/// The plugins of one document of a file.
#[derive(Debug)]
pub(super) struct Found {
    /// What the document is.
    kind: String,
    plugins: Vec<Plugin>,
}

/// Returns the plugins of a document; `None` if it is no file of Envoy, Istio or Envoy Gateway.
pub(super) fn find(document: &Node) -> Option<Found> {
    let text = |key: &str| document.get(key).and_then(Node::text);
    let mut plugins = Vec::new();
    let kind = match (text("apiVersion"), text("kind")) {
        (Some(_), Some(kind)) => {
            of_kubernetes(document, kind, &mut plugins);
            kind.to_owned()
        }
        _ => {
            of_envoy(document, &mut plugins);
            let is_of_envoy = OF_ENVOY.iter().any(|key| document.get(key).is_some());
            if !is_of_envoy && plugins.is_empty() {
                return None;
            }
            "Envoy configuration".to_owned()
        }
    };
    Some(Found { kind, plugins })
}

/// Returns whether a document is a resource of Kubernetes with a plugin.
pub(super) fn is_resource(document: &Node) -> bool {
    let has = |key: &str| document.get(key).is_some();
    has("apiVersion") && has("kind") && find(document).is_some()
}

/// Returns the configurations of Tidegate in the documents of a file: those of the plugins that are
/// named so, or if none is, of all.
///
/// # Errors
/// There is none.
pub(super) fn of_tidegate(found: Vec<Found>) -> Result<Vec<Plugin>, String> {
    let kinds: Vec<&str> = found.iter().map(|found| found.kind.as_str()).collect();
    let kinds = kinds.join(", ");
    let mut plugins: Vec<Plugin> = found.into_iter().flat_map(|found| found.plugins).collect();
    if plugins.iter().any(|plugin| plugin.is_named) {
        plugins.retain(|plugin| plugin.is_named);
    }
    match plugins.is_empty() {
        true => Err(format!(
            "found no Wasm filter (in: {kinds}); allowed: a source, a filter configuration, or a file \
             of Envoy, Istio or Envoy Gateway with one"
        )),
        false => Ok(plugins),
    }
}

fn of_kubernetes(document: &Node, kind: &str, plugins: &mut Vec<Plugin>) {
    let Some(spec) = document.get("spec") else {
        let items = document.get("items").map_or(&[][..], Node::items);
        let found = items.iter().filter_map(find);
        plugins.extend(found.flat_map(|found| found.plugins));
        return;
    };
    let mut add = |plugin: &Node, key: &'static str| {
        plugins.push(Plugin {
            is_named: is_named(document) || is_named(plugin),
            ..Plugin::new(plugin, key)
        });
    };
    match kind {
        "WasmPlugin" => add(spec, "pluginConfig"),
        "TrafficExtension" => {
            if let Some(wasm) = spec.get("wasm") {
                add(wasm, "pluginConfig");
            }
        }
        "EnvoyExtensionPolicy" => {
            for wasm in spec.get("wasm").map_or(&[][..], Node::items) {
                plugins.push(Plugin::new(wasm, "config"));
            }
        }
        // `EnvoyFilter` and `EnvoyPatchPolicy` hold parts of an Envoy configuration.
        _ => of_envoy(spec, plugins),
    }
}

/// Finds the Wasm filters in any part of an Envoy configuration.
fn of_envoy(node: &Node, plugins: &mut Vec<Plugin>) {
    let is = |key: &str| node.get(key).and_then(Node::text) == Some(WASM);
    let filter = match is("@type") {
        true => Some(node),
        // A `TypedStruct`.
        false if is("type_url") || is("typeUrl") => node.get("value"),
        false => None,
    };
    if let Some(filter) = filter {
        let plugin = filter.get("config").unwrap_or(filter);
        plugins.push(Plugin::new(plugin, "configuration"));
        return;
    }
    for (_, _, inner) in node.entries() {
        of_envoy(inner, plugins);
    }
    for item in node.items() {
        of_envoy(item, plugins);
    }
}

/// Returns whether a text in a plugin, except for its configuration, has the name of Tidegate.
fn is_named(node: &Node) -> bool {
    let is_config = |key: &str| CONFIGS.contains(&key);
    node.text().is_some_and(|text| text.contains("tidegate"))
        || node.items().iter().any(is_named)
        || node
            .entries()
            .iter()
            .any(|(key, _, inner)| !is_config(key) && is_named(inner))
}

impl Plugin {
    /// Returns the plugin that a node describes, whose configuration is under `key`.
    fn new(node: &Node, key: &'static str) -> Self {
        let config = node.get(key).cloned();
        let others = node.entries().iter().map(|(other, _, _)| other.as_str());
        let meant = match config {
            Some(_) => None,
            None => nearest(key, others),
        };
        Self {
            config,
            key,
            meant,
            mark: node.mark,
            is_named: is_named(node),
        }
    }

    /// Returns what is unwise about a plugin without a configuration, with its place.
    pub(super) fn missing(&self) -> Option<(Mark, String)> {
        if self.config.is_some() {
            return None;
        }
        let key = self.key;
        let meant = self.meant.as_ref().map_or_else(String::new, |found| {
            format!("; found `{found}`: did you mean `{key}`?")
        });
        let what = format!("no `{key}`, so every option has its default{meant}");
        Some((self.mark, what))
    }

    /// Returns the configuration and the bytes that the filter gets.
    ///
    /// # Errors
    /// The place and the reason, if it is not JSON.
    pub(super) fn document(self) -> Result<(Node, Vec<u8>), (Mark, String)> {
        let Plugin { config, mark, .. } = self;
        let Some(config) = config else {
            let mut document = Node::empty(mark.file);
            document.mark = mark;
            return Ok((document, Vec::new()));
        };
        // Envoy has it in a message of its own type.
        let kind = config.get("@type").and_then(Node::text);
        if kind.is_some_and(|kind| kind.ends_with(".Struct")) {
            let what = "found a `Struct`, which Envoy hands to the filter as protobuf; allowed: JSON in a \
                        `StringValue`";
            return Err((config.mark, what.to_owned()));
        }
        let config = match (kind, config.get("value")) {
            (Some(kind), Some(value)) if kind.ends_with(".BytesValue") => decoded(value)?,
            (Some(_), Some(value)) => value.clone(),
            _ => config,
        };
        match &config.value {
            Value::Text(text, _) => {
                let document = of_text(&config, text)?;
                Ok((document, text.as_bytes().to_vec()))
            }
            _ => {
                let bytes = config.to_json().into_bytes();
                Ok((config, bytes))
            }
        }
    }
}

fn decoded(value: &Node) -> Result<Node, (Mark, String)> {
    let text = value.text().unwrap_or_default();
    let bytes = STANDARD.decode(text).ok();
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => Ok(Node {
            mark: value.mark,
            value: Value::Text(text, false),
        }),
        None => {
            let what = "found a value that is not base64 of a text; allowed: the base64 of JSON";
            Err((value.mark, what.to_owned()))
        }
    }
}

/// Reads JSON in a text of a file, with places in the file.
fn of_text(node: &Node, text: &str) -> Result<Node, (Mark, String)> {
    let outer = |mark: Mark| {
        node.inside(mark.line.max(1), mark.column.max(1))
            .unwrap_or(node.mark)
    };
    if text.trim().is_empty() {
        let mut document = Node::empty(node.mark.file);
        document.mark = node.mark;
        return Ok(document);
    }
    match read::json(text, node.mark.file) {
        Ok(mut document) => {
            document.move_marks(&outer);
            Ok(document)
        }
        Err(wrong) => {
            let mark = Mark {
                file: node.mark.file,
                line: wrong.line,
                column: wrong.column,
            };
            Err((outer(mark), wrong.what))
        }
    }
}
