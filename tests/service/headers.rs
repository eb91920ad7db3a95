//! Headers that say who asks: whatever is there and can't be used refuses the request.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{TestService, document};

/// One raw request; status and body. The client libraries would not send most of these.
async fn raw(service: &TestService, path: &str, headers: &[u8], body: &str) -> (u16, Value) {
    let address = service.base().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let mut request = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n").into_bytes();
    request
        .extend_from_slice(format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()).as_bytes());
    request.extend_from_slice(headers);
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.as_bytes());
    socket.write_all(&request).await.unwrap();
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).await.unwrap();
    let text = String::from_utf8_lossy(&reply);
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_can_not_be_used_is_never_absent() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin
        .put_documents(vec![
            document("a/secret", "condor salaries", json!({"viewers": ["service:chat"]})),
            document("a/open", "condor lunch", json!({"viewers": ["user:jos\u{e9}", "user:ann"]})),
        ])
        .await;
    let made =
        json!({"name": "chat", "scopes": ["query", "act_as"], "subject": "service:chat", "act_as_types": ["user"]});
    let key = admin.post("/v1/keys", made).await.ok()["key"].as_str().unwrap().to_owned();
    let bearer = |more: &[u8]| [b"Authorization: Bearer ", key.as_bytes(), b"\r\n", more].concat();
    let ask = async |headers: Vec<u8>| {
        let (status, answer) = raw(&service, "/v1/query", &headers, r#"{"query":"condor"}"#).await;
        let results = answer["results"].as_array().cloned().unwrap_or_default();
        let ids: Vec<String> = results.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect();
        (status, ids, answer["detail"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(ask(bearer(b"")).await.1, ["a/secret"]);
    assert_eq!(ask(bearer(b"Usher-Subject: user:ann\r\n")).await.1, ["a/open"]);
    assert_eq!(
        ask(bearer(b"Usher-Subject: user:jos%C3%A9\r\n")).await.1,
        ["a/open"],
        "this is how such a name is sent"
    );
    let unusable: [(&str, &[u8]); 14] = [
        ("UTF-8", b"Usher-Subject: user:jos\xc3\xa9\r\n"),
        ("Latin-1", b"Usher-Subject: user:jos\xe9\r\n"),
        ("UTF-8 in a token", b"Usher-Subject-Token: eyJ\xc3\xa9\r\n"),
        ("empty", b"Usher-Subject: \r\n"),
        ("blank", b"Usher-Subject:   \t \r\n"),
        ("empty token", b"Usher-Subject-Token:\r\n"),
        ("twice", b"Usher-Subject: user:ann\r\nUsher-Subject: user:other\r\n"),
        ("twice the same", b"Usher-Subject: user:ann\r\nusher-subject: user:ann\r\n"),
        ("both, one unreadable", b"Usher-Subject: user:ann\r\nUsher-Subject-Token: \xff\r\n"),
        ("both, one empty", b"Usher-Subject: user:ann\r\nUsher-Subject-Token: \r\n"),
        ("second bearer", b"Authorization: Bearer x\r\n"),
        ("second bearer, unreadable", b"Authorization: \xff\r\n"),
        ("second bearer, empty", b"Authorization: \r\n"),
        ("tab", b"Usher-Subject: user:a\xc2\xa0b\r\n"),
    ];
    for (why, headers) in unusable {
        let (status, ids, detail) = ask(bearer(headers)).await;
        assert_eq!((status, ids.len()), (400, 0), "{why}: {detail}");
        assert!(detail.contains("usher-subject") || detail.contains("authorization"), "{why}: {detail}");
        // The same on the OpenFGA surface.
        let (status, _) = raw(&service, "/stores/01HXYZ00000000000000000000/check", &bearer(headers), "{}").await;
        assert_eq!(status, 400, "{why}");
    }
    for (why, headers) in [
        ("no subject", &b"Usher-Subject: ann\r\n"[..]),
        ("a set", b"Usher-Subject: group:g#member\r\n"),
        ("everybody", b"Usher-Subject: user:*\r\n"),
        ("two in one", b"Usher-Subject: user:ann, user:other\r\n"),
        ("escapes that are no UTF-8", b"Usher-Subject: user:a%ff\r\n"),
        ("a tab", b"Usher-Subject: user:a\tb\r\n"),
        ("both", b"Usher-Subject: user:ann\r\nUsher-Subject-Token: x\r\n"),
    ] {
        let (status, ids, _) = ask(bearer(headers)).await;
        let expected = if why == "both" { 403 } else { 400 };
        assert_eq!((status, ids.len()), (expected, 0), "{why}");
    }
    for (why, header, expected) in [
        ("nothing", &b""[..], 401),
        ("another scheme", b"Authorization: Basic YTpi\r\n", 401),
        ("no key", b"Authorization: Bearer\r\n", 400),
        ("blank key", b"Authorization: Bearer  \r\n", 400),
        ("unreadable key", b"Authorization: Bearer \xc3\xa9\r\n", 400),
    ] {
        assert_eq!(ask(header.to_vec()).await.0, expected, "{why}");
    }
}
