//! JWTs of configured issuers: who the person is, and which actors act for it (RFC 8693 `act`).
//!
//! Each issuer has an exact list of algorithms, an audience, and its keys in a file (a JWK set). Nothing in a token's
//! header is trusted but the key id. Every refusal looks the same to the caller.

use std::collections::HashMap;

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use super::{IdentityError, Principal, Scopes};
use crate::authz::{ObjectRef, SubjectRef};
use crate::snapshot::names::encode_id;

/// Longest token that is looked at, bytes.
const MAX_TOKEN: usize = 16 * 1024;
/// Deepest chain of actors.
const MAX_ACTORS: usize = 8;
/// Tolerated difference of clocks, seconds.
const LEEWAY: u64 = 60;

/// One trusted issuer.
#[derive(Clone)]
pub struct Issuer {
    pub issuer: String,
    pub audience: String,
    pub algorithms: Vec<Algorithm>,
    pub keys: HashMap<String, DecodingKey>,
    /// Put before the encoded `sub`; needed where several issuers are configured.
    pub subject_prefix: String,
    /// Claim that names the person; `sub` unless the issuer is trusted for another.
    pub subject_claim: String,
}

/// All trusted issuers.
#[derive(Clone, Default)]
pub struct Issuers {
    issuers: Vec<Issuer>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: Option<String>,
    email: Option<String>,
    #[serde(default)]
    scope: String,
    act: Option<Actor>,
    client_id: Option<String>,
    azp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Actor {
    sub: String,
    act: Option<Box<Actor>>,
}

#[derive(Debug, Deserialize)]
struct Unverified {
    iss: Option<String>,
}

fn invalid(reason: &'static str) -> IdentityError {
    IdentityError::Invalid { reason }
}

impl Issuers {
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self { issuers }
    }

    /// # Errors
    /// Any token that is not exactly right.
    pub async fn authenticate(&self, token: &str, _now: Timestamp) -> Result<Principal, IdentityError> {
        if token.len() > MAX_TOKEN {
            return Err(invalid("token too long"));
        }
        let header = decode_header(token).map_err(|_| invalid("malformed token"))?;
        // An ID token or anything else that is no access token is refused where the type says so.
        if header.typ.as_deref().is_some_and(|typ| {
            !(typ.eq_ignore_ascii_case("jwt")
                || typ.eq_ignore_ascii_case("at+jwt")
                || typ.eq_ignore_ascii_case("application/at+jwt"))
        }) {
            return Err(invalid("wrong token type"));
        }
        let unverified: Unverified = payload(token).ok_or_else(|| invalid("malformed token"))?;
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| unverified.iss.as_deref() == Some(issuer.issuer.as_str()))
            .ok_or_else(|| invalid("unknown issuer"))?;
        if !issuer.algorithms.contains(&header.alg) {
            return Err(invalid("algorithm not allowed"));
        }
        let kid = header.kid.unwrap_or_default();
        let key = issuer.keys.get(&kid).ok_or_else(|| invalid("unknown key id"))?;
        let mut validation = Validation::new(header.alg);
        validation.algorithms = vec![header.alg];
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&issuer.issuer]);
        validation.set_audience(&[&issuer.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<Claims>(token, key, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => IdentityError::Expired,
                _ => invalid("signature or claims"),
            })?
            .claims;
        issuer.principal(claims)
    }
}

impl Issuer {
    fn name(&self, id: &str) -> Result<String, IdentityError> {
        if id.is_empty() || id.len() > 200 {
            return Err(invalid("subject empty or too long"));
        }
        Ok(format!("{}{}", self.subject_prefix, encode_id(id)))
    }

    fn object(&self, object_type: &str, id: &str) -> Result<SubjectRef, IdentityError> {
        Ok(SubjectRef::Object(ObjectRef { object_type: object_type.to_owned(), id: self.name(id)? }))
    }

    fn principal(&self, claims: Claims) -> Result<Principal, IdentityError> {
        let sub = claims.sub.as_deref().unwrap_or_default();
        let id = if self.subject_claim == "email" { claims.email.as_deref().unwrap_or_default() } else { sub };
        let client = claims.client_id.as_deref().or(claims.azp.as_deref());
        // A token whose subject is the client itself is that service, and nobody else.
        let is_client = client.is_some_and(|client| client == sub);
        let mut subjects = vec![self.object(if is_client { "service" } else { "user" }, id)?];
        let mut actor = claims.act.as_ref();
        while let Some(current) = actor {
            if subjects.len() > MAX_ACTORS {
                return Err(invalid("too many actors"));
            }
            subjects.push(self.object("agent", &current.sub)?);
            actor = current.act.as_deref();
        }
        if is_client && subjects.len() > 1 {
            return Err(invalid("a client with actors"));
        }
        Ok(Principal {
            payer: format!("{} {sub}", self.issuer),
            scopes: Scopes::parse(claims.scope.split(' ').filter_map(|scope| scope.strip_prefix("usher."))),
            subject: None,
            acting: Some(subjects),
            collections: None,
            sources: Some(Vec::new()),
            credential_id: self.issuer.clone(),
        })
    }
}

/// The payload before its signature is checked; only the issuer is read from it.
fn payload(token: &str) -> Option<Unverified> {
    use base64::Engine;
    let part = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Public keys of a JWK set, by key id.
///
/// # Errors
/// When the text is no JWK set or a key can't be used.
pub fn keys_of(jwks: &str) -> Result<HashMap<String, DecodingKey>, jsonwebtoken::errors::Error> {
    let set: JwkSet = serde_json::from_str(jwks)?;
    set.keys
        .iter()
        .map(|jwk| Ok((jwk.common.key_id.clone().unwrap_or_default(), DecodingKey::from_jwk(jwk)?)))
        .collect()
}
