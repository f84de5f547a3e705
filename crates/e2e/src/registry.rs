//! A real registry of images, and `skopeo`, which pushes to it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::client::{Client, Protocol};
use crate::message::{Request, Response};
use crate::process::Program;

/// Limit for a registry to answer, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The output of `scripts/registry.sh`: skopeo, docker-registry.
static TOOLS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    let printed = crate::scripts::lines("registry.sh");
    let [skopeo, registry] = &printed[..] else {
        panic!("scripts/registry.sh printed {printed:?}");
    };
    [skopeo.into(), registry.into()]
});

/// A running registry without TLS, with its own folder and process group. It ends when dropped.
#[derive(Debug)]
pub struct Registry {
    program: Program,
    folder: TempDir,
    address: SocketAddr,
}

impl Registry {
    /// Starts an empty registry on the loopback interface.
    ///
    /// # Panics
    /// If there is none, or it does not answer.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("make a folder for the registry");
        let config = serde_json::json!({
            "version": 0.1,
            "log": { "level": "warn", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": folder.path().join("data") } },
            "http": { "addr": "127.0.0.1:0" },
        });
        // JSON is YAML.
        let file = folder.path().join("config.yml");
        fs::write(&file, config.to_string()).expect("write config.yml");
        let log = File::create(folder.path().join("registry.log")).expect("create registry.log");
        let mut command = Command::new(&TOOLS[1]);
        command
            .arg("serve")
            .arg(file)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("share registry.log"))
            .stderr(log);
        // From here on the value exists, so a panic below ends the process and shows its log.
        let mut registry = Self {
            program: Program::start(command),
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        // The registry does not report its port, but the system does.
        let port = registry.wait_for("a port", |registry| {
            crate::process::listening(registry.program.id())
        });
        registry.address.set_port(port);
        registry.wait_for("an answer", |registry| {
            let answer = crate::runtime().block_on(registry.client().send(&Request::get("/v2/")));
            answer.ok().filter(|response| response.status == 200)
        });
        registry
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and returns the response, whatever its status.
    ///
    /// # Panics
    /// If there is none.
    pub fn send(&self, request: &Request) -> Response {
        self.client().get(request)
    }

    /// Copies an image (`oci-archive:FILE`, `oci:FOLDER`) to `name:tag` of this registry with skopeo.
    ///
    /// # Panics
    /// If skopeo fails.
    pub fn copy(&self, image: &str, name: &str, more: &[&str]) {
        let output = Command::new(&TOOLS[0])
            // The policy is that of the machine otherwise, and a bare machine has none.
            .args([
                "--insecure-policy",
                "copy",
                "--quiet",
                "--dest-tls-verify=false",
            ])
            .args(more)
            .arg(image)
            .arg(format!("docker://{}/{name}", self.address))
            .stdin(Stdio::null())
            .output()
            .expect("run skopeo");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "skopeo copy {image} {name}: {said}"
        );
    }

    /// Stores a blob in the repository `name`.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub fn push_blob(&self, name: &str, digest: &str, bytes: &[u8]) {
        let begin = Request::new("POST", &format!("/v2/{name}/blobs/uploads/"));
        let begun = self.send(&begin);
        assert_eq!(begun.status, 202, "{name}: {}", begun.text());
        // The location begins with scheme and host of the request, and has a query.
        let location = begun.header("location").expect("a location");
        let at = location.find("/v2/").expect("a path of the API");
        let put = Request::new("PUT", &format!("{}&digest={digest}", &location[at..]));
        let put = put.header("content-type", "application/octet-stream");
        let stored = self.send(&put.body(bytes));
        assert_eq!(stored.status, 201, "{name}: {}", stored.text());
    }

    /// Stores a manifest in the repository `name` under a tag.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub fn push_manifest(&self, name: &str, tag: &str, media_type: &str, manifest: &[u8]) {
        let put = Request::new("PUT", &format!("/v2/{name}/manifests/{tag}"));
        let put = put.header("content-type", media_type).body(manifest);
        let stored = self.send(&put);
        assert_eq!(stored.status, 201, "{name}: {}", stored.text());
    }

    fn client(&self) -> Client {
        Client::new(Protocol::H1, self.address)
    }

    fn wait_for<T>(&self, what: &str, probe: impl Fn(&Self) -> Option<T>) -> T {
        let ended = || self.program.has_ended().then_some(None);
        let probe = || probe(self).map(Some).or_else(ended);
        match tidegate_envoy::wait_until(START_LIMIT, || None, probe) {
            Ok(Some(value)) => value,
            Ok(None) => panic!("the registry ended before: {what}"),
            Err(error) => panic!("{error}: {what}"),
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read(self.folder.path().join("registry.log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            eprintln!("--- log of the registry ---\n{log}---");
        }
    }
}
