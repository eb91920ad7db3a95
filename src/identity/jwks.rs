//! The public keys of an issuer: from a file or from its server, renewed while the service runs (RFC 7517).
//!
//! SECURITY: only the configured address is called, and what discovery names at it; redirects and proxies of the
//! environment are not followed, and names that lead into a private network only where that is allowed. Keys that could
//! not be renewed for too long are not used any more.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use ipnet::IpNet;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use parking_lot::Mutex;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;
use serde_json::Value;

use super::IdentityError;
use super::jwt::invalid;
use crate::audit;

/// Largest answer that is read, bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Most keys of a set.
const MAX_KEYS: usize = 100;
/// For one answer of the issuer's server.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An unknown key id asks the source again, but not more often than this.
const LEAST_PAUSE: Duration = Duration::from_secs(10);
/// A file is looked at this often.
const FILE_PAUSE: Duration = Duration::from_secs(2);

/// Where the keys of an issuer come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Url(Url),
    /// The issuer's own description (OpenID Connect Discovery §4, RFC 8414 §3) names the address.
    Discovery {
        issuer: String,
    },
}

/// How keys are renewed.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// They are asked for again after this.
    pub every: Duration,
    /// Those that could not be renewed for longer than this are not used any more.
    pub at_most: Duration,
    /// Whether the issuer's server may be in a private network, and may be called without encryption there.
    pub allow_private: bool,
}

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the system's certificates can't be used: {0}")]
    Client(reqwest::Error),
    #[error("{url}: {source}")]
    Call { url: Url, source: reqwest::Error },
    #[error("{url} answers {status}")]
    Status { url: Url, status: reqwest::StatusCode },
    #[error("the answer or file is larger than 256 KiB")]
    TooLarge,
    #[error("it is no JWK set: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error(
        "it is a JWK set of more than 100 keys, or without one that verifies signatures of the issuer's `algorithms`"
    )]
    Unusable,
    #[error("the issuer's description names another issuer")]
    OtherIssuer,
    #[error("`{0}` must begin with https://, or be on this machine, or be allowed by `allow_private_network`")]
    Address(String),
}

struct Held {
    kid: String,
    /// Absent: any algorithm of the key's family.
    algorithm: Option<KeyAlgorithm>,
    family: AlgorithmFamily,
    key: DecodingKey,
}

impl Held {
    fn fits(&self, algorithm: Algorithm) -> bool {
        self.family == algorithm.family() && self.algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm))
    }
}

struct Loaded {
    keys: Vec<Held>,
    at: Instant,
}

/// The keys of one issuer.
pub struct KeySet {
    source: Source,
    /// Those that the issuer may use; keys of others are left out.
    algorithms: Vec<Algorithm>,
    renewal: Renewal,
    client: reqwest::Client,
    loaded: ArcSwapOption<Loaded>,
    /// When the source was asked last, whatever it said.
    asked: Mutex<Option<Instant>>,
    /// The source did not answer, or with no keys, when it was asked last.
    is_failing: AtomicBool,
    /// Held by whoever asks the source.
    asking: tokio::sync::Mutex<()>,
}

impl KeySet {
    /// The keys of a source; those of a file are read at once, others when they are needed.
    ///
    /// # Errors
    /// When a file can't be used, or an address may not be called.
    pub fn open(source: Source, algorithms: Vec<Algorithm>, renewal: Renewal) -> Result<Self, KeysError> {
        let resolver = Arc::new(Resolver { allow_private: renewal.allow_private });
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .dns_resolver(resolver)
            .build();
        let url = match &source {
            Source::File(_) => None,
            Source::Url(url) => Some(url.clone()),
            Source::Discovery { issuer } => Some(Url::parse(issuer).map_err(|_| KeysError::Address(issuer.clone()))?),
        };
        let set = Self {
            client: client.map_err(KeysError::Client)?,
            loaded: ArcSwapOption::empty(),
            asked: Mutex::new(None),
            is_failing: AtomicBool::new(false),
            algorithms,
            asking: tokio::sync::Mutex::new(()),
            source,
            renewal,
        };
        if let Some(url) = &url {
            set.check_address(url)?;
        }
        if let Source::File(path) = &set.source {
            set.keep(keys_of(&read(path)?, &set.algorithms)?);
        }
        Ok(set)
    }

    /// Begins to fetch keys that are fetched.
    pub fn warm_up(self: &Arc<Self>) {
        if !matches!(self.source, Source::File(_)) {
            self.renew_beside();
        }
    }

    /// The key of a token's header.
    ///
    /// # Errors
    /// When the issuer has no such key, or its keys can't be had: a source that does not answer may have just this one.
    pub async fn key(self: &Arc<Self>, kid: &str, algorithm: Algorithm) -> Result<DecodingKey, IdentityError> {
        self.renew_if_due().await;
        if let Some(key) = self.find(kid, algorithm)? {
            return Ok(key);
        }
        // A key that is new to the issuer, too; but whoever makes key ids up can't make us call all the time.
        if self.may_ask(LEAST_PAUSE.min(self.pause())) {
            self.renew().await;
        } else {
            // Somebody else may be asking for it.
            drop(self.asking.lock().await);
        }
        match self.find(kid, algorithm)? {
            Some(key) => Ok(key),
            None if self.is_failing.load(Ordering::Relaxed) => Err(IdentityError::KeysUnavailable),
            None => Err(invalid("`kid` is no key of the issuer for this `alg`")),
        }
    }

    fn find(&self, kid: &str, algorithm: Algorithm) -> Result<Option<DecodingKey>, IdentityError> {
        let Some(loaded) = self.loaded.load_full() else { return Err(IdentityError::KeysUnavailable) };
        if loaded.at.elapsed() > self.renewal.at_most {
            return Err(IdentityError::KeysUnavailable);
        }
        Ok(loaded.keys.iter().find(|held| held.kid == kid && held.fits(algorithm)).map(|held| held.key.clone()))
    }

    fn pause(&self) -> Duration {
        if matches!(self.source, Source::File(_)) { FILE_PAUSE } else { self.renewal.every }
    }

    /// Renews keys that are older than they should be: beside the request, unless they are much older, or there are none.
    async fn renew_if_due(self: &Arc<Self>) {
        let pause = self.pause();
        let age = self.loaded.load().as_ref().map(|loaded| loaded.at.elapsed());
        match age {
            Some(age) if age < pause => {}
            // A file costs nothing; keys that lay unused for long may have been taken back.
            Some(age) if age < pause * 2 && !matches!(self.source, Source::File(_)) => {
                if self.may_ask(LEAST_PAUSE) {
                    self.renew_beside();
                }
            }
            _ => {
                if self.may_ask(LEAST_PAUSE.min(pause)) {
                    self.renew().await;
                } else if age.is_none() {
                    // Whoever asks now will have an answer soon.
                    drop(self.asking.lock().await);
                }
            }
        }
    }

    /// Whether the source was not asked for so long; it counts as asked then.
    fn may_ask(&self, pause: Duration) -> bool {
        let mut asked = self.asked.lock();
        let may = asked.is_none_or(|at| at.elapsed() >= pause);
        if may {
            *asked = Some(Instant::now());
        }
        may
    }

    fn renew_beside(self: &Arc<Self>) {
        let set = self.clone();
        tokio::spawn(async move { set.renew().await });
    }

    /// Asks the source once; keys that can't be had leave the old ones in use.
    async fn renew(&self) {
        let _asking = self.asking.lock().await;
        *self.asked.lock() = Some(Instant::now());
        let fetched = self.fetch().await;
        self.is_failing.store(fetched.is_err(), Ordering::Relaxed);
        match fetched {
            Ok(keys) => self.keep(keys),
            Err(error) => tracing::error!(%error, "the keys of an issuer could not be renewed; the old ones stay"),
        }
    }

    fn keep(&self, keys: Vec<Held>) {
        self.loaded.store(Some(Arc::new(Loaded { keys, at: Instant::now() })));
    }

    async fn fetch(&self) -> Result<Vec<Held>, KeysError> {
        match &self.source {
            Source::File(path) => {
                let path = path.clone();
                // A failure of the pool is one of reading.
                let text = tokio::task::spawn_blocking(move || read(&path)).await;
                keys_of(&text.map_err(|_| KeysError::Unusable)??, &self.algorithms)
            }
            Source::Url(url) => keys_of(&self.get(url).await?, &self.algorithms),
            Source::Discovery { issuer } => keys_of(&self.get(&self.discover(issuer).await?).await?, &self.algorithms),
        }
    }

    /// The address that the issuer's description names for its keys.
    async fn discover(&self, issuer: &str) -> Result<Url, KeysError> {
        #[derive(Deserialize)]
        struct Description {
            issuer: String,
            jwks_uri: String,
        }
        let base = Url::parse(issuer).map_err(|_| KeysError::Address(issuer.to_owned()))?;
        let (mut openid, mut oauth) = (base.clone(), base.clone());
        let path = base.path().trim_end_matches('/');
        openid.set_path(&format!("{path}/.well-known/openid-configuration"));
        // RFC 8414 puts the issuer's path behind.
        oauth.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        let text = match self.get(&openid).await {
            Err(KeysError::Status { .. }) => self.get(&oauth).await?,
            other => other?,
        };
        let description: Description = serde_json::from_slice(&text)?;
        if description.issuer != issuer {
            return Err(KeysError::OtherIssuer);
        }
        Url::parse(&description.jwks_uri).map_err(|_| KeysError::Address(description.jwks_uri))
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, KeysError> {
        self.check_address(url)?;
        let of_call = |source: reqwest::Error| KeysError::Call { url: url.clone(), source: source.without_url() };
        let mut response = self.client.get(url.clone()).send().await.map_err(of_call)?;
        if !response.status().is_success() {
            return Err(KeysError::Status { url: url.clone(), status: response.status() });
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(of_call)? {
            if body.len() + part.len() > MAX_BYTES {
                return Err(KeysError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// Whether the address may be called, as far as it can be told before its name is resolved.
    fn check_address(&self, url: &Url) -> Result<(), KeysError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let address = host.parse::<IpAddr>().ok();
        let is_allowed = match url.scheme() {
            "https" => address.is_none_or(|address| self.renewal.allow_private || is_public(address)),
            "http" => self.renewal.allow_private,
            _ => false,
        };
        if is_allowed && url.has_host() { Ok(()) } else { Err(KeysError::Address(url.to_string())) }
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, KeysError> {
    // In full: a path of the configuration is of the folder in which the service was started.
    let of_file = |source| KeysError::Read { path: std::path::absolute(path).unwrap_or_else(|_| path.clone()), source };
    if std::fs::metadata(path).map_err(of_file)?.len() > MAX_BYTES as u64 {
        return Err(KeysError::TooLarge);
    }
    std::fs::read(path).map_err(of_file)
}

/// Keys that verify signatures of these algorithms; others of the set (encryption, unknown kinds) are no concern of ours
/// (RFC 7517 §5).
fn keys_of(text: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Held>, KeysError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(text)?;
    if set.keys.len() > MAX_KEYS {
        return Err(KeysError::Unusable);
    }
    let mut keys = Vec::with_capacity(set.keys.len());
    for value in set.keys {
        let said = |name: &str| audit::cut(value.get(name).map(ToString::to_string).unwrap_or_default());
        let [kid, kind, usage, algorithm] = ["kid", "kty", "use", "alg"].map(said);
        let held = serde_json::from_value::<Jwk>(with_known_name(value)).ok().and_then(|jwk| held(&jwk));
        match held.filter(|held| algorithms.iter().any(|algorithm| held.fits(*algorithm))) {
            Some(held) => keys.push(held),
            None => tracing::info!(
                kid,
                kty = kind,
                r#use = usage,
                alg = algorithm,
                ?algorithms,
                "a key of an issuer's set is not for verifying signatures of the issuer's algorithms; it is left out"
            ),
        }
    }
    if keys.is_empty() { Err(KeysError::Unusable) } else { Ok(keys) }
}

/// RFC 9864 gives `EdDSA` over Ed25519 a name of its own, which the parser does not know.
fn with_known_name(mut jwk: Value) -> Value {
    let is = |jwk: &Value, name: &str| jwk.get(name).and_then(Value::as_str) == Some("Ed25519");
    if is(&jwk, "crv")
        && is(&jwk, "alg")
        && let Some(fields) = jwk.as_object_mut()
    {
        fields.insert("alg".to_owned(), "EdDSA".into());
    }
    jwk
}

fn held(jwk: &Jwk) -> Option<Held> {
    let common = &jwk.common;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|of| of.contains(&KeyOperations::Verify));
    let family = match &jwk.algorithm {
        jsonwebtoken::jwk::AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa,
        jsonwebtoken::jwk::AlgorithmParameters::EllipticCurve(_) => AlgorithmFamily::Ec,
        jsonwebtoken::jwk::AlgorithmParameters::OctetKeyPair(_) => AlgorithmFamily::Ed,
        // SECURITY: a secret that is published is none.
        _ => return None,
    };
    is_for_signatures.then_some(())?;
    Some(Held {
        kid: common.key_id.clone().unwrap_or_default(),
        algorithm: common.key_algorithm,
        family,
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}

/// Whether an address is of the public internet, by IANA's registries of special addresses.
fn is_public(address: IpAddr) -> bool {
    const SPECIAL: [&str; 22] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/96",
        "64:ff9b::/32",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "fc00::/7",
        "fe80::/9",
    ];
    let address = address.to_canonical();
    let is_special = |net: &&str| net.parse::<IpNet>().is_ok_and(|net| net.contains(&address));
    let is_multicast = matches!(address, IpAddr::V6(address) if address.is_multicast());
    !is_multicast && !SPECIAL.iter().any(is_special)
}

/// Resolves names, and leaves private addresses out where they are not allowed: what is connected to is what was checked.
struct Resolver {
    allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .filter(|address| allow_private || is_public(address.ip()))
                .collect();
            if found.is_empty() {
                return Err("the name leads to no public address; see `allow_private_network`".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
