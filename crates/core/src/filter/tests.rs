//! Requests through a [`Filter`], with a host in memory.

mod breaker;
mod formats;
mod intercept;
mod memory;
mod outcomes;
mod refusals;
mod replies;

use super::*;
use crate::config::Config;
use crate::host::fake::FakeHost;

const NOW_MS: u64 = 1_795_413_600_000;
const LENGTH: (&str, &str) = ("content-length", "10");
const VIA: &[u8] = b"via_upstream";
const REFUSED: &[u8] = b"upstream_reset_before_response_started{remote_connection_failure}";

/// A worker with its configuration, its host and a clock.
struct World {
    config: Rc<FilterConfig>,
    worker: Worker,
    host: FakeHost,
}

impl World {
    fn new(json: &str) -> Self {
        let config = FilterConfig::new(Config::from_json(json.as_bytes()).unwrap());
        let mut host = FakeHost {
            now: Some(Timestamp::from_millis(NOW_MS)),
            ..FakeHost::default()
        };
        for (name, value) in [("xds.route_name", "shop"), ("xds.cluster_name", "app")] {
            host.attributes.insert(name.to_owned(), value.into());
        }
        Self {
            worker: config.worker("t"),
            config: Rc::new(config),
            host,
        }
    }

    /// Begins a request with exactly these headers.
    fn begin_with(&mut self, headers: HeaderBlock) -> (Filter, RequestAction) {
        let end_of_stream = headers.get("content-length").is_none() && !is_grpc(&headers);
        self.host.request = headers;
        let (config, host) = (Rc::clone(&self.config), &mut self.host);
        Filter::on_request_headers(config, 1, host, &mut self.worker, end_of_stream)
    }

    /// Sends the response headers of a request.
    fn respond_with(
        &mut self,
        filter: &mut Filter,
        headers: HeaderBlock,
        end_of_stream: bool,
        details: &[u8],
    ) -> ResponseAction {
        self.host.response = headers;
        let path = "response.code_details".to_owned();
        self.host.attributes.insert(path, details.to_vec());
        filter.on_response_headers(&mut self.host, &mut self.worker, end_of_stream)
    }

    /// Ends a request.
    fn end(&mut self, filter: &mut Filter, details: &[u8]) {
        let path = "response.code_details".to_owned();
        self.host.attributes.insert(path, details.to_vec());
        filter.on_log(&mut self.host, &mut self.worker);
    }

    /// Makes the next response a reply of Envoy's with this status, whatever Envoy made of it.
    fn reply_with(&mut self, status: u16) {
        self.set_number("response.code", status.into());
    }

    fn set_number(&mut self, path: &str, number: u64) {
        let bytes = number.to_le_bytes().to_vec();
        self.host.attributes.insert(path.to_owned(), bytes);
    }

    /// Sets `request.time` to now, as Envoy does when a request begins.
    fn note_request_time(&mut self) {
        let began = self.host.now.unwrap().as_millis() * 1_000_000;
        self.set_number("request.time", began);
    }

    fn advance(&mut self, ms: u64) {
        let now = self
            .host
            .now
            .unwrap()
            .saturating_add(Duration::from_millis(ms));
        self.host.now = Some(now);
    }

    /// Lets time pass, and the worker do what is due then.
    fn tick(&mut self, ms: u64) {
        self.advance(ms);
        let now = self.host.now.unwrap();
        let mut rng = SplitMix64::new(0);
        self.worker.tick(&mut self.host, now, &mut rng);
    }

    /// Returns a metric, after the worker has reported.
    fn metric(&mut self, name: &str) -> u64 {
        let now = self.host.now.unwrap();
        self.worker.report(&mut self.host, now);
        self.host.metric(name)
    }

    /// Returns the lines written at level info since the last call.
    fn take_events(&mut self) -> Vec<String> {
        let now = self.host.now.unwrap();
        log_events(&mut self.host, &mut self.worker, now);
        let lines = std::mem::take(&mut self.host.lines);
        let events = lines.iter().filter_map(|line| line.strip_prefix("INFO "));
        events.map(str::to_owned).collect()
    }
}

fn response(status: u16, more: &[(&str, &str)]) -> HeaderBlock {
    let code = status.to_string();
    let mut headers = vec![(":status", code.as_str())];
    headers.extend_from_slice(more);
    HeaderBlock::from_pairs(&headers)
}

/// Returns a request by `method` for `/a?b=c` that accepts HTML, with more headers.
fn request(method: &str, more: &[(&str, &str)]) -> HeaderBlock {
    let mut headers = vec![
        (":method", method),
        (":authority", "Shop.example:8443"),
        (":path", "/a?b=c"),
        ("accept", "text/html"),
    ];
    headers.extend_from_slice(more);
    HeaderBlock::from_pairs(&headers)
}

/// A response to a request, in a world of its own.
struct Case {
    world: World,
    filter: Filter,
    action: ResponseAction,
}

impl Case {
    fn new(
        json: &str,
        request: HeaderBlock,
        (status, end_of_stream): (u16, bool),
        details: &[u8],
        headers: &[(&str, &str)],
    ) -> Self {
        let mut world = World::new(json);
        // Envoy notes the status of a reply before it makes a `grpc-status` of it.
        match headers.iter().find(|(name, _)| *name == "grpc-status") {
            Some((_, "14")) => world.reply_with(503),
            Some((_, "2")) => world.reply_with(500),
            _ => {}
        }
        let (mut filter, action) = world.begin_with(request);
        assert_eq!(action, RequestAction::Continue);
        let headers = response(status, headers);
        let action = world.respond_with(&mut filter, headers, end_of_stream, details);
        Self {
            world,
            filter,
            action,
        }
    }

    fn passes(&self) -> bool {
        self.action == ResponseAction::Continue
    }

    fn state(&self, name: &str) -> Option<&str> {
        self.world.host.filter_state.get(name).map(String::as_str)
    }

    fn local_reply(self) -> LocalReply {
        match self.action {
            ResponseAction::SendLocalReply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Returns what replaces a body of one chunk.
    fn page(&mut self) -> Vec<u8> {
        match self.filter.on_response_body(10, true) {
            BodyAction::Replace(page) => page,
            other => panic!("{other:?}"),
        }
    }

    fn replaced_headers(&self) -> &HeaderBlock {
        match &self.action {
            ResponseAction::Replace(headers) => headers,
            other => panic!("{other:?}"),
        }
    }
}

/// Returns the response to a plain GET. A body has a length.
fn get(json: &str, status: u16, end_of_stream: bool, details: &[u8]) -> Case {
    let response = (status, end_of_stream);
    let headers: &[_] = if end_of_stream { &[] } else { &[LENGTH] };
    Case::new(json, request("GET", &[]), response, details, headers)
}
