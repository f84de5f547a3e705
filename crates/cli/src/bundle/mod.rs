//! `tidegate bundle`: builds the configuration for Envoy, Istio or Envoy Gateway from a source.

mod apply;
mod image;
mod options;
mod resource;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tidegate_core::config::{limits, Config, ConfigErrors, ErrorKind};

use crate::check::{bundle, refuse};
use crate::findings::Finding;
use crate::lint;
use crate::markup;
use crate::source::{self, Node, Source, Value};

/// Build the filter configuration from a source, with its pages, pictures, styles and scripts embedded
///
/// Writes the configuration, or a resource that contains it, to standard output, and its size and the
/// limits to standard error. `--as oci` has no source: it writes an image that holds the module, and prints
/// the digest of the image. The same module gives the same digest on every machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate bundle my-pages/tidegate.yaml -o filter.json
  tidegate bundle my-pages/tidegate.yaml --as envoy -o envoy.yaml
  tidegate bundle my-pages/tidegate.yaml --as istio --module oci://registry.example/tidegate:0.1.0
  tidegate bundle my-pages/tidegate.yaml --as envoy-gateway --gateway shop --namespace shop \\
    --module https://files.example/tidegate.wasm --sha256 \"$(sha256sum <tidegate.wasm | cut -c-64)\"
  tidegate bundle --as oci --module tidegate.wasm -o tidegate.oci.tar
  skopeo copy oci-archive:tidegate.oci.tar docker://registry.example/tidegate:0.1.0")]
pub(crate) struct Args {
    /// Source in YAML or JSON; `-` reads standard input. An image (`--as oci`) has none
    source: Option<PathBuf>,
    /// Write to this file instead of standard output (`-`). An image needs it: an archive if the name ends
    /// in .tar, else a folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Kind of output
    #[arg(long = "as", value_enum, value_name = "KIND", default_value = "json")]
    kind: resource::Kind,
    #[command(flatten)]
    resource: options::ResourceArgs,
}

impl Args {
    /// Returns the file to write; `None` for standard output.
    fn output_file(&self) -> Option<&Path> {
        self.output
            .as_deref()
            .filter(|path| *path != Path::new("-"))
    }
}

/// The configuration for the filter.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// The configuration.
    pub(crate) json: String,
    /// The parsed configuration.
    pub(crate) config: Config,
    /// Key path and size in bytes of each template.
    pub(crate) templates: Vec<(String, usize)>,
}

impl Bundle {
    /// Builds the bundle of a source. `embeds`: what its pages refer to is embedded. Returns the bundle, and
    /// everything that cannot be embedded or makes the result too large, with warnings about the embedded files.
    pub(crate) fn new(source: &mut Source, embeds: bool) -> (Self, Vec<Finding>) {
        let mut document = source.document.clone();
        let mut findings = Vec::new();
        let mut parts = Vec::new();
        let delimiters = source.config.delimiters.clone();
        let has_policy = lint::has_policy(source);
        let keys = lint::html_keys(&source.config);
        for key in keys.into_iter().filter(|_| embeds) {
            let Some(node) = lint::html(source, &key) else {
                continue;
            };
            match markup::inline(&mut source.files, &node, &key, &delimiters, has_policy) {
                Err(found) => findings.extend(found),
                Ok(inlined) => {
                    findings.extend(inlined.warnings);
                    replace(&mut document, &key, inlined.html);
                    parts.push((key, inlined.parts));
                }
            }
        }
        let json = document.to_json();
        let (config, result) = Config::examine(json.as_bytes());
        for error in result.err().iter().flat_map(ConfigErrors::iter) {
            // The others are those of the source.
            if matches!(
                error.kind(),
                ErrorKind::TooLong { .. } | ErrorKind::TooLarge
            ) {
                let mut finding = source::place(error, &source.files, &document);
                explain(&mut finding, error.at(), &parts);
                findings.push(finding);
            }
        }
        let bundle = Self {
            templates: sizes(&document),
            json,
            config,
        };
        (bundle, findings)
    }
}

/// Adds to an error about a page that is too large what the page is made of.
fn explain(finding: &mut Finding, key: &str, parts: &[(String, Vec<(String, usize)>)]) {
    let Some((_, parts)) = parts.iter().find(|(other, _)| other == key) else {
        return;
    };
    let mut parts = parts.clone();
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let parts: Vec<String> = parts
        .iter()
        .take(3)
        .map(|(name, bytes)| format!("{name} takes {bytes}"))
        .collect();
    if !parts.is_empty() {
        finding.what.push_str(&format!("; {}", parts.join(", ")));
    }
}

/// Replaces the text at a key path. Its lines are no longer lines of a file.
fn replace(document: &mut Node, key: &str, text: String) {
    let Value::Map(entries) = &mut document.value else {
        return;
    };
    let templates = entries.iter_mut().find(|(name, ..)| name == "templates");
    let Some((
        _,
        _,
        Node {
            value: Value::Map(templates),
            ..
        },
    )) = templates
    else {
        return;
    };
    for (name, _, template) in templates {
        let Value::Map(forms) = &mut template.value else {
            continue;
        };
        if let Some((_, _, node)) = forms
            .iter_mut()
            .find(|(form, ..)| lint::template_key(name, form) == key)
        {
            node.value = Value::Text(text, false);
            return;
        }
    }
}

/// Returns the key path and size of each template.
fn sizes(document: &Node) -> Vec<(String, usize)> {
    let mut sizes = Vec::new();
    if let Some(Value::Map(templates)) = document.get("templates").map(|node| &node.value) {
        for (name, _, template) in templates {
            for form in ["html", "text"] {
                if let Some(text) = template.get(form).and_then(Node::text) {
                    sizes.push((lint::template_key(name, form), text.len()));
                }
            }
        }
    }
    sizes
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let options = match args.resource.check(args.kind) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(crate::USAGE);
        }
    };
    if args.kind == resource::Kind::Oci {
        return write_image(args, &options);
    }
    let Some(path) = &args.source else {
        eprintln!("<SOURCE> is missing; only an image (--as oci) has none");
        return ExitCode::from(crate::USAGE);
    };
    let (source, bundle, warnings) = match bundle(path) {
        Ok(made) => made,
        Err(error) => return refuse(path, &error),
    };
    warnings.print(&source::display_name(path));
    print_sizes(&bundle);
    if options::is_kubernetes(args.kind) && !options.has_module() {
        eprintln!("the module is registry.example/tidegate:0.1.0, a placeholder; --module sets it");
    }
    let text = resource::make(args.kind, &bundle.json, &options);
    if options::is_kubernetes(args.kind) {
        if let Some(said) = apply::warning(&text) {
            eprintln!("{said}");
        }
    }
    match args.output_file() {
        None => crate::output::print(&text),
        // Overwriting a source by a slip would lose work.
        Some(path) if is_of(&source, path) => {
            eprintln!(
                "{}: is a file of the source; nothing was written",
                path.display()
            );
            ExitCode::from(crate::USAGE)
        }
        Some(path) => match write(path, text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: cannot be written: {error}", path.display());
                ExitCode::from(crate::USAGE)
            }
        },
    }
}

/// Writes the image of the module and prints its digest.
fn write_image(args: &Args, options: &options::Options) -> ExitCode {
    let usage = |message: String| {
        eprintln!("{message}");
        ExitCode::from(crate::USAGE)
    };
    if let Some(source) = &args.source {
        return usage(format!(
            "{}: an image holds the module and no configuration, so it has no source",
            source.display()
        ));
    }
    let Some(output) = args.output_file() else {
        return usage(
            "--output needs a file; an image is a folder, or an archive such as -o tidegate.oci.tar"
                .to_owned(),
        );
    };
    let module = options.module_file();
    let version = env!("CARGO_PKG_VERSION");
    let image = fs::read(module).and_then(|bytes| {
        let schema = tidegate_core::config::reference::schema();
        image::Image::new(&bytes, &schema, version)
    });
    let image = match image {
        Ok(image) => image,
        Err(error) => return usage(format!("{module}: cannot be read: {error}")),
    };
    match image.write(output) {
        Ok(()) => {
            eprintln!("the image  {:>7} bytes", image.bytes());
            crate::output::print(&format!("{}\n", image.digest()))
        }
        Err(error) => usage(format!("{}: cannot be written: {error}", output.display())),
    }
}

/// Returns whether a path is a file of the source.
fn is_of(source: &Source, path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| source.files.paths().any(|file| file == path))
}

/// Writes a file atomically, since a proxy may be watching it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if path.exists() && !path.is_file() {
        return fs::write(path, bytes);
    }
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(without_path)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_or(0o644, |there| there.permissions().mode());
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
    }
    file.persist(path)?;
    Ok(())
}

/// Returns an error without the path of the temporary file, which the operator did not ask for.
fn without_path(error: std::io::Error) -> std::io::Error {
    let text = error.to_string();
    let cause = text.split(" at path ").next().unwrap_or_default();
    std::io::Error::new(error.kind(), cause)
}

fn print_sizes(bundle: &Bundle) {
    let width = bundle.templates.iter().map(|(key, _)| key.chars().count());
    let width = width.max().unwrap_or(0).max("the configuration".len());
    let print = |what: &str, bytes: usize, limit: usize| {
        let percent = (bytes * 100).div_ceil(limit);
        eprintln!("{what:width$}  {bytes:>7} of {limit:>7} bytes, {percent:>3} %");
    };
    for (key, bytes) in &bundle.templates {
        print(key, *bytes, limits::TEMPLATE_BYTES);
    }
    print("the configuration", bundle.json.len(), limits::CONFIG_BYTES);
}
