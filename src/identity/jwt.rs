//! JWTs of configured issuers: whether a token is genuine, meant for this service, and an access token.
//!
//! Each issuer has an exact list of algorithms, an audience, and keys of its own. Nothing in a token's header is trusted
//! but the key id, and what asks for more than is understood here (`crit`) is refused. Who a genuine token stands for
//! is decided in `issuer.rs`.

use jiff::Timestamp;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::issuer::{Claims, Issuer};
use super::{IdentityError, Principal};
use crate::wire::strict::{self, MAX_DEPTH};

/// Longest token that is looked at, bytes.
const MAX_TOKEN: usize = 16 * 1024;
/// Tolerated difference of clocks, seconds.
pub const LEEWAY: u64 = 60;
/// Types of a token's header that an access token may have (RFC 9068 §2.1; older servers say `JWT`, or nothing).
const TYPES: [&str; 3] = ["at+jwt", "application/at+jwt", "jwt"];
/// Header fields that change what a token means.
const UNSUPPORTED: [&str; 4] = ["crit", "b64", "zip", "enc"];
/// Claims that only ID tokens and logout tokens have (OpenID Connect Core §2, Back-Channel Logout §2.4).
const NOT_OF_ACCESS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

const NO_JWT: &str = "the token is no JWT, or its JSON is malformed, holds a NUL character, or names a field twice";

pub(super) fn invalid(reason: &'static str) -> IdentityError {
    IdentityError::Token { reason, expected: String::new() }
}

/// With what the configuration asks for, which is the log's to say.
fn unexpected(reason: &'static str, expected: String) -> IdentityError {
    IdentityError::Token { reason, expected: format!(" ({expected})") }
}

/// All trusted issuers.
#[derive(Clone, Default)]
pub struct Issuers {
    issuers: Vec<Issuer>,
}

#[derive(Deserialize)]
struct Unverified {
    iss: Option<String>,
}

impl Issuers {
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self { issuers }
    }

    fn names(&self) -> String {
        self.issuers.iter().map(|issuer| format!("`{}`", issuer.issuer)).collect::<Vec<_>>().join(", ")
    }

    /// Begins to fetch the keys that are fetched, so that the first token need not wait for them.
    pub fn warm_up(&self) {
        self.issuers.iter().for_each(|issuer| issuer.keys.warm_up());
    }

    /// # Errors
    /// Any token that is not exactly right; [`IdentityError::KeysUnavailable`] when that can't be told at the moment.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<Principal, IdentityError> {
        if token.len() > MAX_TOKEN {
            return Err(invalid("the token is longer than 16 KiB"));
        }
        let fields: Map<String, Value> = part(token, 0).ok_or_else(|| invalid(NO_JWT))?;
        if UNSUPPORTED.iter().any(|name| fields.contains_key(*name)) {
            return Err(invalid("the token's header has `crit`, `b64`, `zip` or `enc`, which are not understood here"));
        }
        let header = decode_header(token).map_err(|_| invalid("the token is no JWT, or of an unknown algorithm"))?;
        let is_access = |typ: &String| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
        if !header.typ.as_ref().is_none_or(is_access) {
            return Err(invalid("the header's `typ` is not that of an access token (`at+jwt` or `JWT`)"));
        }
        // Only to find whose keys to verify it with.
        let unverified: Unverified = part(token, 1).ok_or_else(|| invalid(NO_JWT))?;
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| unverified.iss.as_deref() == Some(issuer.issuer.as_str()))
            .ok_or_else(|| unexpected("`iss` is no configured issuer", format!("these are {}", self.names())))?;
        if !issuer.algorithms.contains(&header.alg) {
            let expected = format!("those of `{}` are {:?}", issuer.issuer, issuer.algorithms);
            return Err(unexpected("`alg` is not among the issuer's `algorithms`", expected));
        }
        let key = issuer.keys.key(header.kid.as_deref().unwrap_or_default(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.algorithms = vec![header.alg];
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&issuer.issuer]);
        validation.set_audience(&[&issuer.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims: Map<String, Value> =
            decode(token, &key, &validation).map_err(|error| refused(error, issuer))?.claims;
        check_kind(&claims)?;
        let claims: Claims = serde_json::from_value(claims.into())
            .map_err(|_| invalid("a claim does not have the type that it must"))?;
        issuer.check_times(&claims, now)?;
        issuer.principal(&claims)
    }
}

fn refused(error: jsonwebtoken::errors::Error, issuer: &Issuer) -> IdentityError {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::ExpiredSignature => IdentityError::Expired,
        ErrorKind::ImmatureSignature => invalid("`nbf` is in the future"),
        ErrorKind::InvalidAudience => {
            let (name, audience) = (&issuer.issuer, &issuer.audience);
            unexpected(
                "`aud` does not name this service",
                format!("of issuer `{name}` it must be or hold `{audience}`"),
            )
        }
        ErrorKind::InvalidSignature => {
            unexpected("the signature does not fit a key of the issuer", format!("which is `{}`", issuer.issuer))
        }
        ErrorKind::MissingRequiredClaim(name) => invalid(match name.as_str() {
            "exp" => "`exp` is missing, or no number",
            "iss" => "`iss` is missing, or no text",
            "aud" => "`aud` is missing, or neither text nor a list of texts",
            _ => "`sub` is missing, or no text",
        }),
        _ => invalid("the signature or a claim is malformed"),
    }
}

/// Refuses tokens that are genuine and no access tokens: an ID token is made for the application alone, and whoever
/// received it could show it here.
fn check_kind(claims: &Map<String, Value>) -> Result<(), IdentityError> {
    if NOT_OF_ACCESS.iter().any(|name| claims.contains_key(*name)) {
        return Err(invalid("it is an ID token or a logout token (`nonce`, `at_hash`, …); send the access token"));
    }
    // Keycloak and Cognito say it in a claim.
    let says = |name: &str, allowed: &[&str]| match claims.get(name) {
        None => true,
        Some(value) => value.as_str().is_some_and(|kind| allowed.iter().any(|known| kind.eq_ignore_ascii_case(known))),
    };
    if !says("typ", &["bearer", "jwt", "at+jwt"]) || !says("token_use", &["access"]) {
        return Err(invalid("the claim `typ` or `token_use` says that it is no access token for a bearer"));
    }
    if claims.contains_key("cnf") {
        return Err(invalid("`cnf` binds it to a key whose proof is not checked here"));
    }
    Ok(())
}

/// A part of the token as JSON, before its signature is checked. None that two parsers could read in two ways: of a claim
/// that is there twice another service may have checked the other one.
fn part<T: serde::de::DeserializeOwned>(token: &str, number: usize) -> Option<T> {
    use base64::Engine;
    let part = token.split('.').nth(number)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
    if crate::mutants::active("the_last_claim_counts") {
        return serde_json::from_slice(&bytes).ok();
    }
    strict::read(&bytes, MAX_DEPTH).ok()
}
