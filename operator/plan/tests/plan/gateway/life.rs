//! Requests over the death of a pod, over the end of the gateway itself, and over a long time.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::nginx::{free_port, gateway, gateway_before, serve, service};

const EMPTY: &str = "Content-Length: 0\r\n";
const WITH_A_KEY: &str = "Content-Length: 0\r\nIdempotency-Key: k\r\n";

/// A pod that takes a request and dies before it answers, as often as is said; afterwards it answers. How many requests there were.
fn dying(deaths: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if counter.fetch_add(1, Ordering::SeqCst) < deaths {
                let _ = stream.read(&mut [0; 4096]);
            } else {
                serve(stream, "cart");
            }
        }
    });
    (port, requests)
}

#[test]
fn a_request_that_may_be_repeated_survives_the_death_of_a_pod() {
    for (method, path, headers) in [
        ("GET", "/cart-api/cart?a=%20b", ""),
        ("PUT", "/cart-api/cart/items/1", EMPTY),
        ("DELETE", "/cart-api/cart", ""),
        ("POST", "/cart-api/cart/items?a=%20b", WITH_A_KEY),
        ("POST", "/cart-api/cart/checkout", WITH_A_KEY),
        ("POST", "/api/cart/add", WITH_A_KEY),
    ] {
        let (pod, requests) = dying(3);
        let answer = gateway_before(pod, free_port()).ask(method, path, headers);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        let request = answer.json()["request"].as_str().unwrap_or_default().to_owned();
        assert!(request.starts_with(&format!("{method} {path} HTTP/1.1")), "{request}");
        assert_eq!(requests.load(Ordering::SeqCst), 4, "{method} {path}");
    }
}

#[test]
fn a_change_that_a_service_would_make_twice_is_not_repeated() {
    for (method, path, headers) in [
        ("POST", "/cart-api/cart/items", EMPTY),
        ("POST", "/cart-api/cart/merge", WITH_A_KEY),
        ("POST", "/cart-api/cart/items/1", WITH_A_KEY),
        ("PATCH", "/cart-api/cart/items", WITH_A_KEY),
    ] {
        let (pod, requests) = dying(3);
        let answer = gateway_before(pod, free_port()).ask(method, path, headers);
        assert_eq!((answer.status, requests.load(Ordering::SeqCst)), (502, 1), "{method} {path}");
    }
}

#[test]
fn live_status_is_passed_on_as_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let order = listener.local_addr().expect("an address").port();
    let (heard, first_heard) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
        );
        // The second one comes only after the first was seen at the other end.
        first_heard.recv_timeout(Duration::from_secs(20)).expect("the first event was passed on");
        let _ = stream.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    });
    let gateway = gateway_before(service("cart"), order);
    let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let path = "/order-api/orders/0190163d-8694-739b-aea5-966c26f8ad91/events";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n").expect("to write");
    let mut text = Vec::new();
    let mut some = [0; 4096];
    while !String::from_utf8_lossy(&text).contains("data: 1") {
        let length = stream.read(&mut some).expect("the first event");
        assert!(length > 0, "{}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&some[..length]);
    }
    heard.send(()).expect("somebody waits");
    stream.read_to_end(&mut text).expect("the rest");
    assert!(String::from_utf8_lossy(&text).contains("data: 2"));
}

#[test]
fn a_gateway_that_is_about_to_stop_says_so_on_every_connection() {
    let gateway = gateway();
    let connection = |headers: &str, method: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).expect("a connection");
        write!(stream, "{method} /cart-api/cart/items HTTP/1.1\r\nHost: shop.localhost\r\n{headers}\r\n")
            .expect("to write");
        let mut text = Vec::new();
        let mut some = [0; 4096];
        while !text.ends_with(b"}") && !text.ends_with(b"0\r\n\r\n") {
            match stream.read(&mut some).expect("an answer") {
                0 => break,
                length => text.extend_from_slice(&some[..length]),
            }
        }
        let text = String::from_utf8_lossy(&text).to_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{text}");
        text.lines().find_map(|line| line.strip_prefix("connection: ").map(str::to_owned)).expect("it says so")
    };
    let requests = [("", "GET"), (WITH_A_KEY, "POST")];
    for (headers, method) in requests {
        assert_eq!(connection(headers, method), "keep-alive");
    }
    std::fs::write(gateway.folder.path().join("closing"), "").expect("a file");
    for (headers, method) in requests {
        assert_eq!(connection(headers, method), "close");
    }
}
