//! `[[issuers]]` of the file: whose tokens are trusted, for whom and for what.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, AlgorithmFamily};
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;
use crate::authz::names::{EmailCase, READER_TYPES, canonical_name};
use crate::identity::issuer::{Issuer, SubjectClaim};
use crate::identity::jwks::{KeySet, Renewal, Source};
use crate::identity::jwt::Issuers;
use crate::identity::{Ceiling, Scope, Scopes};

/// One table as it can be written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawIssuer {
    /// The claim `iss`, exactly.
    #[schemars(example = &"https://id.example.org")]
    pub issuer: String,
    /// One of the token's `aud`.
    #[schemars(example = &"usher")]
    pub audience: String,
    /// Exact list, such as `["RS256"]`.
    #[schemars(example = ["RS256"])]
    pub algorithms: Vec<String>,
    /// JWK set with the issuer's public keys; read again when it changes.
    #[schemars(example = &"jwks.json")]
    pub jwks_file: Option<PathBuf>,
    /// Address of the JWK set.
    #[schemars(example = &"https://id.example.org/keys")]
    pub jwks_url: Option<String>,
    /// Ask the issuer's own description for that address [default: false]
    #[serde(default)]
    pub discovery: bool,
    /// Fetched keys are asked for again after this many seconds [default: 300]
    pub jwks_refresh_s: Option<u64>,
    /// Keys that could not be renewed for this many seconds are not used any more [default: 3600]
    pub jwks_max_age_s: Option<u64>,
    /// The issuer's server may be in a private network, and be called without encryption there [default: false]
    #[serde(default)]
    pub allow_private_network: bool,
    /// Put before every subject of this issuer; with several issuers each needs one, and none may begin another.
    #[serde(default)]
    #[schemars(example = &"corp-")]
    pub subject_prefix: String,
    /// `sub` or `email`, for an issuer that is trusted for e-mail addresses [default: sub]
    pub subject_claim: Option<String>,
    /// Types that its tokens may stand for [default: user, agent, service]
    pub subject_types: Option<Vec<String>>,
    /// Scopes that its tokens can have at most [default: query, documents.read]
    pub scopes: Option<Vec<String>>,
    /// Claims with scopes besides `scope` and `scp`.
    #[serde(default)]
    #[schemars(example = ["permissions"])]
    pub scope_claims: Vec<String>,
    /// Collections that its tokens reach at most [default: all]
    #[schemars(example = ["main"])]
    pub collections: Option<Vec<String>>,
    /// Sources that its tokens write at most [default: all]; nothing without the scope `documents.write`
    #[schemars(example = ["wiki"])]
    pub sources: Option<Vec<String>>,
    /// Whether a token with `act` may do more than ask and read [default: false]
    #[serde(default)]
    pub actors_administer: bool,
    /// Clients (`client_id`, `azp`) that are agents: they narrow what a person reads through them.
    #[serde(default)]
    #[schemars(example = ["assistant"])]
    pub agent_clients: Vec<String>,
    /// Tokens that end further ahead than this are refused, seconds [default: 86400]
    pub max_token_life_s: Option<u64>,
}

pub(super) fn resolve(raw: Vec<RawIssuer>, case: EmailCase) -> Result<Issuers, ConfigError> {
    check_names(&raw, case)?;
    raw.into_iter().map(issuer).collect::<Result<_, _>>().map(Issuers::new)
}

fn mistake(issuer: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Issuer { issuer: issuer.to_owned(), problem: problem.into() }
}

/// No two issuers may name one reader: what they say must differ, and no prefix begin another, in any case of letters,
/// since the case of an address may mean nothing.
fn check_names(raw: &[RawIssuer], case: EmailCase) -> Result<(), ConfigError> {
    for (n, one) in raw.iter().enumerate() {
        if canonical_name("user", &one.subject_prefix) != one.subject_prefix {
            return Err(mistake(
                &one.issuer,
                "`subject_prefix` must be composed (NFC) and free of `% : # @ *` and spaces",
            ));
        }
        let is_folded = one.subject_prefix.to_lowercase() == one.subject_prefix;
        if case == EmailCase::Lower && !is_folded {
            return Err(mistake(&one.issuer, "`subject_prefix` must be in lower case, as the addresses behind it are"));
        }
        if raw.len() > 1 && one.subject_prefix.is_empty() {
            return Err(mistake(&one.issuer, "needs a `subject_prefix` of its own, since there are several issuers"));
        }
        let folded = |issuer: &RawIssuer| issuer.subject_prefix.to_lowercase();
        for other in raw.iter().take(n) {
            if one.issuer == other.issuer {
                return Err(mistake(&one.issuer, "is configured twice"));
            }
            let (own, theirs) = (folded(one), folded(other));
            if own.starts_with(&theirs) || theirs.starts_with(&own) {
                let problem = format!(
                    "`subject_prefix` {:?} and {:?} of `{}` begin alike, so both could name one person; let no prefix begin another",
                    one.subject_prefix, other.subject_prefix, other.issuer
                );
                return Err(mistake(&one.issuer, problem));
            }
        }
    }
    Ok(())
}

pub(super) fn issuer(raw: RawIssuer) -> Result<Issuer, ConfigError> {
    let problem = |problem: &str| mistake(&raw.issuer, problem);
    let algorithms = algorithms(&raw)?;
    let subject_claim = match raw.subject_claim.as_deref() {
        None | Some("sub") => SubjectClaim::Sub,
        Some("email") => SubjectClaim::Email,
        Some(_) => return Err(problem("`subject_claim` must be `sub` or `email`")),
    };
    let subject_types = raw.subject_types.clone().unwrap_or_else(|| READER_TYPES.map(str::to_owned).to_vec());
    if subject_types.is_empty() || subject_types.iter().any(|name| !READER_TYPES.contains(&name.as_str())) {
        return Err(problem("`subject_types` must list some of `user`, `agent` and `service`"));
    }
    let scopes = match &raw.scopes {
        None => Scopes::reading(),
        Some(names) => {
            if let Some(name) = names.iter().find(|name| Scope::parse(name).is_none()) {
                return Err(mistake(&raw.issuer, format!("`scopes`: there is no scope `{name}`")));
            }
            Scopes::parse(names.iter().map(String::as_str))
        }
    };
    let ceiling =
        Ceiling { collections: raw.collections.clone(), sources: raw.sources.clone(), act_as_types: Vec::new() };
    if let Some(scope) = scopes.iter().find(|scope| !ceiling.can_hold(*scope)) {
        let why = format!("the scope `{scope}` reaches everything, so it can't be held to `collections` or `sources`");
        return Err(mistake(&raw.issuer, why));
    }
    let life = raw.max_token_life_s.unwrap_or(86_400);
    if !(60..=31_536_000).contains(&life) {
        return Err(problem("`max_token_life_s` must be 60 to 31536000"));
    }
    let keys = KeySet::open(source(&raw)?, algorithms.clone(), renewal(&raw)?)
        .map_err(|error| mistake(&raw.issuer, format!("its keys can't be used: {error}")))?;
    Ok(Issuer {
        keys: Arc::new(keys),
        issuer: raw.issuer,
        audience: raw.audience,
        algorithms,
        subject_prefix: raw.subject_prefix,
        subject_claim,
        scopes,
        ceiling,
        subject_types,
        actors_administer: raw.actors_administer,
        agent_clients: raw.agent_clients,
        scope_claims: raw.scope_claims,
        max_life: Duration::from_secs(life),
    })
}

fn algorithms(raw: &RawIssuer) -> Result<Vec<Algorithm>, ConfigError> {
    let parse = |name: &String| {
        name.parse().map_err(|_| mistake(&raw.issuer, format!("`algorithms`: unknown algorithm `{name}`")))
    };
    let algorithms = raw.algorithms.iter().map(parse).collect::<Result<Vec<Algorithm>, _>>()?;
    if algorithms.is_empty() || algorithms.iter().any(|algorithm| algorithm.family() == AlgorithmFamily::Hmac) {
        return Err(mistake(&raw.issuer, "`algorithms` must list asymmetric ones, such as RS256 or ES256"));
    }
    Ok(algorithms)
}

fn source(raw: &RawIssuer) -> Result<Source, ConfigError> {
    match (&raw.jwks_file, &raw.jwks_url, raw.discovery) {
        (Some(path), None, false) => Ok(Source::File(path.clone())),
        (None, Some(url), false) => {
            let malformed = |_| mistake(&raw.issuer, "`jwks_url` must be an address such as https://id.example/keys");
            Ok(Source::Url(Url::parse(url).map_err(malformed)?))
        }
        (None, None, true) => Ok(Source::Discovery { issuer: raw.issuer.clone() }),
        _ => Err(mistake(&raw.issuer, "needs exactly one of `jwks_file`, `jwks_url` and `discovery = true`")),
    }
}

pub(super) fn renewal(raw: &RawIssuer) -> Result<Renewal, ConfigError> {
    let every = raw.jwks_refresh_s.unwrap_or(300);
    let at_most = raw.jwks_max_age_s.unwrap_or(3_600);
    if !(10..=86_400).contains(&every) || at_most < every || at_most > 604_800 {
        let problem = "`jwks_refresh_s` must be 10 to 86400, and `jwks_max_age_s` at least as much and at most 604800";
        return Err(mistake(&raw.issuer, problem));
    }
    Ok(Renewal {
        every: Duration::from_secs(every),
        at_most: Duration::from_secs(at_most),
        allow_private: raw.allow_private_network,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(issuer: &str, prefix: &str) -> RawIssuer {
        RawIssuer {
            issuer: issuer.into(),
            audience: "a".into(),
            algorithms: vec!["RS256".into()],
            jwks_url: Some("https://id.example/keys".into()),
            subject_prefix: prefix.into(),
            ..RawIssuer::default()
        }
    }

    #[test]
    fn no_two_issuers_may_name_one_reader() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pair =
            |a: &str, b: &str| resolve(vec![raw("https://a", a), raw("https://b", b)], EmailCase::Keep).map(|_| ());
        assert!(pair("corp-", "home-").is_ok());
        for (a, b) in
            [("corp-", "corp-x-"), ("corp-x-", "corp-"), ("Corp-", "corp-x"), ("a", "a"), ("", "a"), ("a", "")]
        {
            assert!(pair(a, b).is_err(), "{a:?} {b:?}");
        }
        for odd in ["a:", "a@", "a b", "e\u{301}", "a%", "Corp-"] {
            assert!(resolve(vec![raw("https://a", odd)], EmailCase::Lower).is_err(), "{odd:?}");
        }
        assert!(resolve(vec![raw("https://a", "x"), raw("https://a", "y")], EmailCase::Lower).is_err());
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let changed = |change: &dyn Fn(&mut RawIssuer)| {
            let mut raw = raw("https://a", "");
            change(&mut raw);
            resolve(vec![raw], EmailCase::Lower).map(|_| ())
        };
        assert!(changed(&|_| {}).is_ok());
        let hr = || Some(vec!["hr".to_owned()]);
        let admin = || Some(vec!["admin".to_owned()]);
        assert!(changed(&|raw| raw.scopes = admin()).is_ok());
        let wrong: [&dyn Fn(&mut RawIssuer); 11] = [
            &|raw| raw.jwks_file = Some("x".into()),
            &|raw| raw.discovery = true,
            &|raw| raw.jwks_url = None,
            &|raw| raw.jwks_url = Some("http://id.example/keys".into()),
            &|raw| raw.jwks_url = Some("https://10.0.0.1/keys".into()),
            &|raw| raw.jwks_url = Some("https://[::1]/keys".into()),
            &|raw| (raw.scopes, raw.collections) = (admin(), hr()),
            &|raw| (raw.scopes, raw.sources) = (Some(vec!["relationships.write".into()]), hr()),
            &|raw| raw.scopes = Some(vec!["everything".into()]),
            &|raw| raw.subject_types = Some(vec!["group".into()]),
            &|raw| raw.algorithms = vec!["HS256".into()],
        ];
        for (n, change) in wrong.iter().enumerate() {
            assert!(changed(*change).is_err(), "{n}");
        }
        assert!(
            changed(&|raw| (raw.jwks_url, raw.allow_private_network) = (Some("http://10.0.0.1/k".into()), true))
                .is_ok()
        );
    }
}
