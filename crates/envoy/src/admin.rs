//! Envoy's administration interface.

use std::net::SocketAddr;

use serde_json::Value;

/// Seconds for one answer. The main thread of Envoy answers, and it also compiles modules.
const LIMIT_SECONDS: u64 = 20;

/// The administration interface of an Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    /// Returns the interface at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(crate) fn unknown() -> Self {
        Self::new(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a GET request and returns status and body.
    ///
    /// # Errors
    /// If there is no whole answer within 20 seconds.
    pub fn get(&self, path: &str) -> Result<(u16, String), minreq::Error> {
        let response = minreq::get(format!("http://{}{path}", self.address))
            .with_timeout(LIMIT_SECONDS)
            .send()?;
        let status = u16::try_from(response.status_code).unwrap_or_default();
        let body = String::from_utf8_lossy(response.as_bytes()).into_owned();
        Ok((status, body))
    }

    /// Sends a POST request, which changes something, and returns the status.
    ///
    /// # Errors
    /// If there is no whole answer within 20 seconds.
    pub fn post(&self, path: &str) -> Result<u16, minreq::Error> {
        let response = minreq::post(format!("http://{}{path}", self.address))
            .with_timeout(LIMIT_SECONDS)
            .send()?;
        Ok(u16::try_from(response.status_code).unwrap_or_default())
    }

    /// Returns whether Envoy serves.
    pub fn is_live(&self) -> bool {
        self.get("/ready")
            .is_ok_and(|(status, body)| status == 200 && body.trim() == "LIVE")
    }

    /// Returns the counters and gauges whose names match `pattern`, a regular expression that is
    /// already escaped for a URL. `None`: Envoy does not answer.
    pub fn stats(&self, pattern: &str) -> Option<Vec<(String, u64)>> {
        let (status, body) = self.get(&format!("/stats?filter={pattern}")).ok()?;
        (status == 200).then(|| body.lines().filter_map(stat).collect())
    }

    /// Returns the address of a listener, or `None` while it does not listen.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        let (_, body) = self.get("/listeners?format=json").ok()?;
        let body: Value = serde_json::from_str(&body).ok()?;
        let mut listeners = body["listener_statuses"].as_array()?.iter();
        let listener = listeners.find(|listener| listener["name"] == name)?;
        let port = &listener["local_address"]["socket_address"]["port_value"];
        let port = u16::try_from(port.as_u64()?).ok()?;
        (port != 0).then(|| SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

/// Reads a line of `/stats`: `name: value`. Returns `None` for histograms and texts.
fn stat(line: &str) -> Option<(String, u64)> {
    let (name, value) = line.rsplit_once(": ")?;
    Some((name.to_owned(), value.trim().parse().ok()?))
}
