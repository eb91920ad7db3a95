//! An issuer of the tests' own: keys in a file, tokens signed here.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use usher::config::RawIssuer;

pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "https://usher.example";

/// The key of a seed, and its public half as a JWK has it.
pub fn key(seed: u8) -> (EncodingKey, String) {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    // PKCS#8 of an Ed25519 key (RFC 8410): a fixed prefix and the 32 bytes.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(signing.to_bytes());
    (EncodingKey::from_ed_der(&der), URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes()))
}

/// Claims of a good token for `user:ann`.
pub fn claims() -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "nbf": now - 5, "scope": "usher.query usher.documents.read"})
}

pub fn header() -> Header {
    Header { kid: Some("k1".into()), typ: Some("at+jwt".into()), ..Header::new(Algorithm::EdDSA) }
}

pub fn sign(claims: &Value, header: &Header, seed: u8) -> String {
    encode(header, claims, &key(seed).0).unwrap()
}

/// Writes the issuer's keys into the folder and returns its configuration.
pub fn issuer(folder: &Path) -> RawIssuer {
    let jwks = folder.join("jwks.json");
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k1", "x": key(1).1});
    std::fs::write(&jwks, json!({"keys": [jwk]}).to_string()).unwrap();
    RawIssuer {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        algorithms: vec!["EdDSA".into()],
        jwks_file: Some(jwks),
        ..RawIssuer::default()
    }
}

/// A token of a person and the agents that act for it, outermost first: `["user:u1", "agent:a0"]`.
pub fn token_of(reader: &[String]) -> String {
    let id = |subject: &String| subject.split_once(':').unwrap().1.to_owned();
    let mut claims = claims();
    claims["sub"] = json!(id(&reader[0]));
    let act = reader[1..].iter().rev().fold(None, |inner: Option<Value>, actor| {
        let mut act = json!({"sub": id(actor)});
        if let Some(inner) = inner {
            act["act"] = inner;
        }
        Some(act)
    });
    if let Some(act) = act {
        claims["act"] = act;
    }
    sign(&claims, &header(), 1)
}
