//! What an issuer's tokens can stand for and do at most, and every token that is no access token for this service.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::tokens::{service_with as service, with_token};
use crate::common::tokens::{ISSUER, claims, header, sign};
use crate::common::{Client, TestService, document};

fn changed(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn with(service: &TestService, changes: Value) -> Client {
    with_token(service, sign(&changed(changes), &header(), 1))
}

const KEY: &str = r#"{"name": "k", "scopes": ["query"]}"#;

fn a_key() -> Value {
    serde_json::from_str(KEY).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_what_its_issuer_may_give() {
    // By default it asks and reads, whatever it says.
    let (by_default, _files) = service(|_| {}).await;
    let admin = with(&by_default, json!({"scope": "usher.admin usher.query"}));
    assert_eq!(admin.post("/v1/keys", a_key()).await.problem(403), "insufficient_scope");
    assert_eq!(admin.get("/v1/keys").await.problem(403), "insufficient_scope");
    admin.post("/v1/query", json!({"query": "x"})).await.ok();
    let acting = with(&by_default, json!({"scope": "usher.act_as usher.query"}));
    let acting = Client { subject: Some("user:eve".into()), ..acting };
    assert_eq!(acting.post("/v1/query", json!({"query": "x"})).await.problem(403), "subject_not_permitted");

    // One that may, does; but not through an agent.
    let scopes = Some(vec!["admin".to_owned(), "query".to_owned()]);
    let (trusting, _files) = service(|issuer| issuer.scopes = scopes.clone()).await;
    let scope = "usher.admin usher.query";
    with(&trusting, json!({"scope": scope})).post("/v1/keys", a_key()).await.ok();
    let by_agent = with(&trusting, json!({"scope": scope, "act": {"sub": "scribe"}}));
    assert_eq!(by_agent.post("/v1/keys", a_key()).await.problem(403), "insufficient_scope");
    by_agent.post("/v1/query", json!({"query": "x"})).await.ok();
    // A token's maker can't hand out what no token has.
    let beyond = json!({"name": "k", "scopes": ["act_as"], "act_as_types": ["user"]});
    assert_eq!(
        with(&trusting, json!({"scope": scope})).post("/v1/keys", beyond).await.problem(403),
        "insufficient_scope"
    );
    let (agents, _files) = service(|issuer| (issuer.scopes, issuer.actors_administer) = (scopes, true)).await;
    let through = with(&agents, json!({"scope": scope, "act": {"sub": "scribe"}}));
    through.post("/v1/keys", a_key()).await.ok();
    // A key for the person would be without the agent, which narrows what is read.
    let alone = json!({"name": "k", "scopes": ["query"], "subject": "user:ann"});
    assert_eq!(through.post("/v1/keys", alone.clone()).await.problem(403), "insufficient_scope");
    with(&agents, json!({"scope": scope})).post("/v1/keys", alone).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_come_from_every_claim_that_holds_some() {
    let (service, _files) = service(|issuer| issuer.scope_claims = vec!["permissions".into()]).await;
    for scopes in [
        json!({"scope": ["openid", "usher.query"]}),
        json!({"scope": "", "scp": "usher.query"}),
        json!({"scope": "", "scp": ["usher.query"]}),
        json!({"scope": "", "permissions": ["usher.query"]}),
    ] {
        with(&service, scopes).post("/v1/query", json!({"query": "x"})).await.ok();
    }
    for scopes in [json!({"scope": 1}), json!({"scope": ["usher.query", 1]}), json!({"scp": {"usher.query": true}})] {
        let refused = with(&service, scopes.clone()).post("/v1/query", json!({"query": "x"})).await;
        assert_eq!(refused.problem(401), "unauthenticated", "{scopes}");
    }
    let none = with(&service, json!({"scope": "", "roles": ["usher.query"]}));
    assert_eq!(none.post("/v1/query", json!({"query": "x"})).await.problem(403), "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_and_types_of_an_issuer_are_a_ceiling() {
    let (service, _files) = service(|issuer| {
        issuer.collections = Some(vec!["main".into()]);
        issuer.subject_types = Some(vec!["user".into()]);
    })
    .await;
    let admin = service.admin();
    admin.put("/v1/collections/other", json!({})).await.ok();
    let mut elsewhere = document("a/2", "begonias", json!({"viewers": ["user:ann"]}));
    elsewhere["collection"] = json!("other");
    admin.put_documents(vec![document("a/1", "begonias", json!({"viewers": ["user:ann"]})), elsewhere]).await;
    assert_eq!(with(&service, json!({})).ask("begonias").await, ["a/1"]);
    for other in [json!({"client_id": "ann"}), json!({"act": {"sub": "scribe"}})] {
        let refused = with(&service, other).post("/v1/query", json!({"query": "x"})).await;
        assert_eq!(refused.problem(401), "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_narrows_whether_it_comes_as_actor_or_as_client() {
    let (service, _files) = service(|issuer| issuer.agent_clients = vec!["scribe".into()]).await;
    service
        .admin()
        .put_documents(vec![
            document("a/1", "begonias", json!({"viewers": ["user:ann"]})),
            document("a/2", "begonias", json!({"viewers": ["user:ann", "agent:scribe"]})),
        ])
        .await;
    assert_eq!(with(&service, json!({})).ask("begonias").await.len(), 2);
    assert_eq!(with(&service, json!({"azp": "portal"})).ask("begonias").await.len(), 2, "no agent");
    for through in [
        json!({"azp": "scribe"}),
        json!({"client_id": "scribe"}),
        json!({"azp": "scribe", "client_id": "scribe"}),
        json!({"azp": "scribe", "act": {"sub": "scribe"}}),
        json!({"act": {"sub": "scribe", "iss": ISSUER}}),
    ] {
        assert_eq!(with(&service, through.clone()).ask("begonias").await, ["a/2"], "{through}");
    }
    for mixed in [
        json!({"azp": "scribe", "client_id": "portal"}),
        json!({"azp": "scribe", "act": {"sub": "planner"}}),
        json!({"act": {"sub": "scribe", "iss": "https://other.example"}}),
        json!({"sub": "scribe", "azp": "scribe", "act": {"sub": "planner"}}),
    ] {
        let refused = with(&service, mixed.clone()).post("/v1/query", json!({"query": "x"})).await;
        assert_eq!(refused.problem(401), "unauthenticated", "{mixed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_verified_address_is_somebody() {
    let (service, _files) = service(|issuer| issuer.subject_claim = Some("email".into())).await;
    let rules = json!({"viewers": ["user:ann@example.org"]});
    service.admin().put_documents(vec![document("a/1", "begonias", rules)]).await;
    for verified in [json!(true), json!("true")] {
        let claims = json!({"email": "Ann@example.org", "email_verified": verified});
        assert_eq!(with(&service, claims).ask("begonias").await, ["a/1"]);
    }
    for claims in [
        json!({"email": "ann@example.org", "email_verified": false}),
        json!({"email": "ann@example.org", "email_verified": "false"}),
        json!({"email": "ann@example.org", "email_verified": 1}),
        json!({"email": "ann@example.org", "email_verified": null}),
        json!({"email": "ann@example.org"}),
        json!({"email_verified": true}),
        json!({"email": "", "email_verified": true}),
    ] {
        let refused = with(&service, claims.clone()).post("/v1/query", json!({"query": "x"})).await;
        assert_eq!(refused.problem(401), "unauthenticated", "{claims}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_can_not_change_the_prefix_before_it() {
    let (service, _files) = service(|issuer| issuer.subject_prefix = "e".into()).await;
    let rules = json!({"viewers": ["user:\u{e9}ann", "user:eann"]});
    service.admin().put_documents(vec![document("a/1", "begonias", rules)]).await;
    assert_eq!(with(&service, json!({})).ask("begonias").await, ["a/1"]);
    // The mark would make another prefix of this one.
    let refused = with(&service, json!({"sub": "\u{301}ann"})).post("/v1/query", json!({"query": "x"})).await;
    assert_eq!(refused.problem(401), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_access_token_is_refused() {
    let (service, _files) = service(|issuer| issuer.max_token_life_s = Some(3_600)).await;
    let now = jiff::Timestamp::now().as_second();
    for claims in [
        json!({"nonce": "n"}),
        json!({"at_hash": "x"}),
        json!({"c_hash": "x"}),
        json!({"events": {}}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": 1}),
        json!({"token_use": "id"}),
        json!({"cnf": {"jkt": "x"}}),
        json!({"exp": now + 3_600 + 120}),
        json!({"exp": i64::MAX}),
        json!({"exp": "soon"}),
        json!({"iat": now + 600}),
        json!({"iat": "x"}),
        json!({"act": "scribe"}),
        json!({"act": {}}),
        json!({"client_id": ["ann"]}),
        json!({"sub": ["ann"]}),
    ] {
        let refused = with(&service, claims.clone()).post("/v1/query", json!({"query": "x"})).await;
        assert_eq!(refused.problem(401), "unauthenticated", "{claims}");
    }
    for claims in [json!({"typ": "Bearer"}), json!({"token_use": "access"}), json!({"exp": now + 3_600})] {
        with(&service, claims).post("/v1/query", json!({"query": "x"})).await.ok();
    }
    // Headers that ask for more than is understood; each is signed over as it is.
    for extra in [
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
        json!({"enc": "A256GCM"}),
    ] {
        let token = signed_raw(&extra);
        let refused = with_token(&service, token).post("/v1/query", json!({"query": "x"})).await;
        assert_eq!(refused.problem(401), "unauthenticated", "{extra}");
    }
    with_token(&service, signed_raw(&json!({}))).post("/v1/query", json!({"query": "x"})).await.ok();
    let plain = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
    with_token(&service, sign(&claims(), &plain, 1)).post("/v1/query", json!({"query": "x"})).await.ok();
}

/// A token whose header has more fields than the library knows.
fn signed_raw(extra: &Value) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::Signer;
    let mut head = json!({"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"});
    head.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&head), part(&claims()));
    let signature = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_shows_anothers_token_only_with_act_as() {
    let (service, _files) = service(|issuer| {
        issuer.scopes = Some(vec!["query".into(), "act_as".into()]);
        issuer.agent_clients = vec!["scribe".into()];
    })
    .await;
    service
        .admin()
        .put_documents(vec![
            document("a/1", "begonias", json!({"viewers": ["user:bob"]})),
            document("a/2", "begonias", json!({"viewers": ["user:bob", "user:ann", "agent:scribe"]})),
        ])
        .await;
    let bob = sign(&changed(json!({"sub": "bob"})), &header(), 1);
    let ask = async |bearer: Value, shown: String| {
        let reply = reqwest::Client::new()
            .post(format!("{}/v1/query", service.base()))
            .bearer_auth(sign(&changed(bearer), &header(), 1))
            .header("Usher-Subject-Token", shown)
            .json(&json!({"query": "begonias"}))
            .send()
            .await
            .unwrap();
        let (status, answer) = (reply.status().as_u16(), reply.json::<Value>().await.unwrap());
        (status, answer["results"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(ask(json!({}), bob.clone()).await, (403, 0), "ann with a token of bob that she found");
    assert_eq!(ask(json!({"scope": "usher.query usher.act_as"}), bob.clone()).await, (200, 2));
    assert_eq!(ask(json!({"sub": "bob"}), bob.clone()).await, (200, 2), "the same person twice");
    assert_eq!(ask(json!({"sub": "portal", "azp": "portal"}), bob.clone()).await, (200, 2), "a service");
    // An agent that came with the bearer's token goes on to narrow.
    assert_eq!(ask(json!({"sub": "bob", "azp": "scribe"}), bob.clone()).await, (200, 1));
    assert_eq!(ask(json!({"sub": "bob", "act": {"sub": "scribe"}}), bob).await, (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_and_a_name_have_one_spelling_together() {
    let (service, _files) = service(|issuer| issuer.subject_prefix = "mx-".into()).await;
    let rules = json!({"viewers": ["user:*"], "blocked": ["user:mx-@Alice%3Aserver", "user:mx-Bob@x.org"]});
    service.admin().put_documents(vec![document("a/1", "begonias", rules)]).await;
    for (sub, expected) in [("@Alice:server", 0), ("@alice:server", 0), ("bob@x.org", 0), ("BOB@X.org", 0), ("carl", 1)]
    {
        assert_eq!(with(&service, json!({"sub": sub})).ask("begonias").await.len(), expected, "{sub}");
    }
    // A name that no tuple can hold is nobody's: it could not be banned.
    let refused = with(&service, json!({"sub": format!("{}a", "@".repeat(199))}));
    assert_eq!(refused.post("/v1/query", json!({"query": "x"})).await.problem(401), "unauthenticated");
}

/// A token whose claims are this text, as it is.
fn signed_text(head: &str, claims: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::Signer;
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let signature = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_says_a_thing_twice_says_nothing() {
    let (service, _files) = service(|_| {}).await;
    let head = r#"{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}"#;
    let claims = changed(json!({"scope": "usher.query", "act": {"sub": "scribe"}, "azp": "portal"})).to_string();
    let ask = async |head: &str, claims: &str| {
        with_token(&service, signed_text(head, claims)).post("/v1/query", json!({"query": "x"})).await
    };
    ask(head, &claims).await.ok();
    let and = |more: &str| format!("{},{more}}}", claims.strip_suffix('}').unwrap());
    for more in [
        r#""act":null"#,
        r#""azp":"other""#,
        r#""sub":"eve""#,
        r#""scope":"usher.admin""#,
        r#""exp":99999999999"#,
        r#""\u0061ct":{"sub":"x"}"#,
        r#""other":{"a":1,"a":2}"#,
    ] {
        assert_eq!(ask(head, &and(more)).await.problem(401), "unauthenticated", "{more}");
    }
    let twice = r#"{"alg":"EdDSA","kid":"k1","typ":"at+jwt","typ":"at+jwt"}"#;
    assert_eq!(ask(twice, &claims).await.problem(401), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_token_that_says_what_it_is_for_is_for_nothing_else() {
    let (service, _files) = service(|_| {}).await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "begonias", json!({"viewers": ["user:ann"]}))]).await;
    let body = json!({"name": "portal", "subject": "service:portal", "scopes": ["query", "documents.read"]});
    let key = admin.post("/v1/keys", body).await.ok()["key"].as_str().unwrap().to_owned();
    let send = async |claims: Value, method: &str, path: &str| {
        let request = match method {
            "POST" => {
                reqwest::Client::new().post(format!("{}{path}", service.base())).json(&json!({"query": "begonias"}))
            }
            _ => reqwest::Client::new().get(format!("{}{path}", service.base())),
        };
        let token = sign(&changed(claims), &header(), 1);
        request.bearer_auth(&key).header("Usher-Subject-Token", token).send().await.unwrap().status().as_u16()
    };
    let document = "/v1/documents/a%2F1?collection=main";
    for (scope, query, read) in [
        // Who somebody is, and nothing of what for.
        ("openid profile", 200, 200),
        ("usher.query usher.documents.read", 200, 200),
        ("usher.documents.read", 403, 200),
        ("openid usher.query", 200, 403),
        // Beyond what the issuer may give, or unknown: for nothing here.
        ("usher.relationships.write", 403, 403),
        ("usher.nothing", 403, 403),
    ] {
        assert_eq!(send(json!({"scope": scope}), "POST", "/v1/query").await, query, "{scope}");
        assert_eq!(send(json!({"scope": scope}), "GET", document).await, read, "{scope}");
    }
}

/// What a key does for the person of a token is within what both reach: sources too, and what reaches everything is
/// nothing that a part can hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_subject_token_reach_what_both_do() {
    let (service, _files) = service(|issuer| {
        issuer.sources = Some(vec!["hr".into()]);
        issuer.collections = Some(vec!["main".into()]);
        issuer.scopes = Some(vec!["query".into(), "documents.write".into()]);
    })
    .await;
    let admin = service.admin();
    let settings = json!({"name": "s", "scopes": ["documents.write", "relationships.read"], "subject": "service:chat"});
    let made = admin.post("/v1/keys", settings).await.ok();
    let secret = made["key"].as_str().unwrap().to_owned();
    let token = sign(&changed(json!({"scope": "usher.documents.write"})), &header(), 1);
    let put = async |id: &str| {
        let body = json!({"documents": [document(id, "ibex", json!({"viewers": ["user:ann"]}))]});
        let request = reqwest::Client::new().post(format!("{}/v1/documents", service.base())).bearer_auth(&secret);
        request.header("Usher-Subject-Token", &token).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!((put("fin/x").await, put("hr/x").await), (403, 200));
    // Without scopes of its own the token narrows nothing but where.
    let token = sign(&claims(), &header(), 1);
    let request = reqwest::Client::new().post(format!("{}/v1/relationships/read", service.base())).bearer_auth(&secret);
    let read = request.header("Usher-Subject-Token", &token).json(&json!({})).send().await.unwrap();
    assert_eq!(read.status().as_u16(), 403);
}
