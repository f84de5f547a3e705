//! The options of the resources that `tidegate bundle` writes: where the module is, and what the resource
//! applies to.

use clap::ValueEnum as _;

use super::resource::Kind;

/// The options of a resource.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ResourceArgs {
    /// Location of the module. envoy, envoy-filter: a file. istio, trafficextension: oci://, https://,
    /// http:// or file://. envoy-gateway: an image of a registry, https:// or http://. oci: the file that the
    /// image holds [default for oci: dist/tidegate.wasm]
    #[arg(long, value_name = "WHERE")]
    module: Option<String>,
    /// SHA-256 of the module, which the proxy then checks
    #[arg(long, value_name = "HEX", requires = "module")]
    sha256: Option<String>,
    /// Name of the resource [default: tidegate]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Namespace of the resource [default: istio-system for Istio, default for Envoy Gateway]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Label of the pods (Istio) or Gateways (Envoy Gateway) that get the filter; may be repeated
    /// [default for Istio: istio=ingressgateway]
    #[arg(long, value_name = "LABEL=VALUE", conflicts_with = "gateway")]
    selector: Vec<String>,
    /// Gateway of the Gateway API, in the same namespace, that gets the filter [default for Envoy
    /// Gateway: eg]
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
}

/// Where the module is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    pub(super) address: String,
    pub(super) sha256: Option<String>,
    /// Whether the module is on a web server.
    pub(super) is_web: bool,
}

/// What the resource applies to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A Gateway, by its name.
    Gateway(String),
    /// What has these labels.
    Labels(Vec<(String, String)>),
}

/// Checked options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(super) module: Option<Module>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) target: Option<Target>,
}

impl Options {
    /// Returns whether they say where the module is.
    pub(super) fn has_module(&self) -> bool {
        self.module.is_some()
    }

    /// Returns the path of the module: the given one, else where `make wasm` puts it.
    pub(super) fn module_file(&self) -> &str {
        let module = self.module.as_ref();
        module.map_or("dist/tidegate.wasm", |module| &module.address)
    }
}

impl ResourceArgs {
    /// Checks the options for a kind of output.
    ///
    /// # Errors
    /// What the kind does not have, or what its API would refuse.
    pub(super) fn check(&self, kind: Kind) -> Result<Options, String> {
        let given = [
            ("--module", self.module.is_some(), kind != Kind::Json),
            ("--sha256", self.sha256.is_some(), is_kubernetes(kind)),
            ("--name", self.name.is_some(), is_kubernetes(kind)),
            ("--namespace", self.namespace.is_some(), is_kubernetes(kind)),
            ("--selector", !self.selector.is_empty(), is_kubernetes(kind)),
            ("--gateway", self.gateway.is_some(), is_kubernetes(kind)),
        ];
        if let Some((option, ..)) = given.iter().find(|(_, given, fits)| *given && !fits) {
            let name = kind.to_possible_value();
            let name = name.as_ref().map_or("", |name| name.get_name());
            return Err(format!("{option} has no place in --as {name}"));
        }
        let names = [
            ("--name", &self.name),
            ("--namespace", &self.namespace),
            ("--gateway", &self.gateway),
        ];
        for (option, name) in names {
            if let Some(name) = name.as_ref().filter(|name| !is_name(name)) {
                return Err(format!(
                    "{option}: found {name:?}; allowed: lower-case letters, digits, `-` and `.`, \
                     beginning and ending with a letter or digit"
                ));
            }
        }
        let labels = self.selector.iter().map(|label| parse_label(label));
        let labels = labels.collect::<Result<Vec<_>, _>>()?;
        let target = match &self.gateway {
            Some(name) => Some(Target::Gateway(name.clone())),
            None => Some(Target::Labels(labels)).filter(|_| !self.selector.is_empty()),
        };
        Ok(Options {
            module: self.checked_module(kind)?,
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            target,
        })
    }

    fn checked_module(&self, kind: Kind) -> Result<Option<Module>, String> {
        let Some(address) = &self.module else {
            return Ok(None);
        };
        let sha256 = match &self.sha256 {
            Some(text) if !is_sha256(text) => {
                return Err(format!(
                    "--sha256: found {text:?}; allowed: 64 hexadecimal digits, such as `sha256sum` prints"
                ));
            }
            other => other.as_ref().map(|text| text.to_ascii_lowercase()),
        };
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, address.as_str()),
        };
        let is_web = matches!(scheme, Some("http" | "https"));
        let is_image = matches!(scheme, None | Some("oci")) && is_image(rest);
        let allowed = match kind {
            Kind::Istio | Kind::TrafficExtension => {
                let is_known = is_web || matches!(scheme, Some("oci" | "file"));
                (!is_known).then_some("oci://…, https://…, http://… or file://…")
            }
            Kind::EnvoyGateway => (!is_web && !is_image).then_some(
                "an image such as registry.example/tidegate:0.1.0, https://… or http://…",
            ),
            Kind::Json | Kind::Envoy | Kind::EnvoyFilter => {
                scheme.map(|_| "the path of a file, since Envoy itself loads the module from there")
            }
            Kind::Oci => scheme.map(|_| "the path of a file, which the image will hold"),
        };
        if let Some(allowed) = allowed {
            return Err(format!("--module: found {address:?}; allowed: {allowed}"));
        }
        if kind == Kind::EnvoyGateway && is_image && sha256.is_some() {
            return Err(
                "--sha256: an image has its digest in its name: registry.example/tidegate@sha256:…"
                    .to_owned(),
            );
        }
        let address = match kind {
            // Envoy Gateway names images without a scheme.
            Kind::EnvoyGateway if is_image => rest,
            _ => address,
        };
        Ok(Some(Module {
            address: address.to_owned(),
            sha256,
            is_web,
        }))
    }
}

/// Returns whether the output is a resource of Kubernetes.
pub(super) fn is_kubernetes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Istio | Kind::TrafficExtension | Kind::EnvoyGateway
    )
}

/// Returns whether a text names an image of a registry, and not a file.
fn is_image(text: &str) -> bool {
    let is_file = text.ends_with(".wasm") || text.starts_with(['.', '/']);
    !text.is_empty() && !is_file && !text.contains(char::is_whitespace)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether Kubernetes accepts a name (RFC 1123).
fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().last()];
    ends.iter().all(|byte| byte.is_some_and(is_inner))
        && text.len() <= 253
        && text
            .bytes()
            .all(|byte| is_inner(byte) || b"-.".contains(&byte))
}

fn parse_label(label: &str) -> Result<(String, String), String> {
    let is_word = |text: &str, others: &str| {
        let mut chars = text.chars();
        chars.all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    match label.split_once('=') {
        Some((key, value))
            if !key.is_empty() && is_word(key, "-._/") && is_word(value, "-._") =>
        {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err(format!(
            "--selector: found {label:?}; allowed: a label and its value, such as istio=ingressgateway"
        )),
    }
}
