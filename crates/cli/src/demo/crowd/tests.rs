use std::sync::Mutex;

use super::*;
use crate::http::{lock, Handler, Response, Server};

/// A shop that is down for a number of requests, and the requests that it got.
struct Shop {
    server: Server,
    requests: Arc<Mutex<Vec<String>>>,
}

fn shop(failures: usize) -> Shop {
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = requests.clone();
    let handler: Arc<Handler> = Arc::new(move |request| {
        let mut seen = lock(&seen);
        let marks = ["x-tidegate-retry", "cookie"].map(|name| request.header(name).unwrap_or("-"));
        seen.push(format!("{} {}", request.method, marks.join(" ")));
        if seen.len() <= failures {
            let failed = Response::new(503, "text/plain", "");
            return failed.with("x-tidegate-page", "1").with("retry-after", "0");
        }
        Response::new(200, "text/html", "shop").with("set-cookie", "pass=1; Path=/")
    });
    let server = Server::reserve(0, false, handler).unwrap();
    server.open().unwrap();
    Shop { server, requests }
}

fn visitor(shop: &Shop, obeys: bool) -> Visitor {
    Visitor {
        shop: SocketAddr::from((Ipv4Addr::LOCALHOST, shop.server.port())),
        address: Ipv4Addr::LOCALHOST,
        obeys,
    }
}

/// As the page does: check-ins, then the page with the pass.
#[test]
fn a_visitor_who_obeys_checks_in_and_loads_the_page_with_its_pass() {
    let shop = shop(2);
    assert!(visitor(&shop, true).stay());
    assert_eq!(
        *lock(&shop.requests),
        ["GET - -", "HEAD 1 -", "HEAD 2 -", "GET - pass=1"]
    );
}

#[test]
fn an_impatient_visitor_reloads() {
    let shop = shop(1);
    assert!(visitor(&shop, false).stay());
    assert_eq!(*lock(&shop.requests), ["GET - -", "GET - -"]);
}

#[test]
fn crowds_are_bounded() {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let crowds = Crowds::new(nowhere);
    let crowd = |visitors| {
        crowds.send(Wish::Crowd {
            visitors,
            obey: false,
        })
    };
    for visitors in [0, 201, u32::MAX] {
        assert!(crowd(visitors).unwrap_err().contains("1 to 200"));
    }
    assert_eq!((crowd(200), crowd(200)), (Ok(()), Ok(())));
    assert!(crowd(1).unwrap_err().contains("two crowds"));
    let rude = || crowds.send(Wish::Rude { rude: true });
    assert_eq!(rude(), Ok(()));
    assert!(rude().unwrap_err().contains("still there"));
    assert_eq!(crowds.state()["waiting"], 400);
}

#[test]
fn each_visitor_has_an_address_of_its_own() {
    let crowds = Crowds::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    let addresses = (0..1000).map(|_| crowds.address(1));
    let addresses: std::collections::BTreeSet<_> = addresses.collect();
    assert_eq!(addresses.len(), 1000);
    assert!(addresses.iter().all(Ipv4Addr::is_loopback));
}
