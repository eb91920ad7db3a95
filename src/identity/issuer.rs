//! Whom a genuine token of an issuer stands for, and what it may do at most.
//!
//! Names of people and programs are the encoded claim behind the issuer's prefix. No prefix begins another one, so two
//! issuers never name the same reader.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::jwks::KeySet;
use super::jwt::{LEEWAY, invalid};
use super::{Ceiling, IdentityError, Principal, Scopes};
use crate::authz::names::canonical_name;
use crate::authz::{ObjectRef, SubjectRef};

/// Deepest chain of actors.
const MAX_ACTORS: usize = 8;
/// Longest claim that names somebody, bytes.
const MAX_NAME: usize = 200;

/// Claim that names the person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SubjectClaim {
    #[default]
    Sub,
    /// For an issuer that is trusted for e-mail addresses; only verified ones count.
    Email,
}

/// One trusted issuer.
#[derive(Clone)]
pub struct Issuer {
    pub issuer: String,
    pub audience: String,
    pub algorithms: Vec<Algorithm>,
    pub keys: Arc<KeySet>,
    /// Put before the encoded claim; needed where several issuers are configured.
    pub subject_prefix: String,
    pub subject_claim: SubjectClaim,
    /// Scopes that its tokens can have at most.
    pub scopes: Scopes,
    /// Collections and sources that its tokens can reach at most.
    pub ceiling: Ceiling,
    /// Types of subjects that its tokens may stand for.
    pub subject_types: Vec<String>,
    /// Whether a token with actors may have more scopes than asking and reading.
    pub actors_administer: bool,
    /// Clients that are agents: they narrow what a person's token reads through them.
    pub agent_clients: Vec<String>,
    /// Claims with scopes, besides `scope` and `scp`.
    pub scope_claims: Vec<String>,
    /// A token that ends later than so far ahead is refused.
    pub max_life: Duration,
}

#[derive(Debug, Deserialize)]
pub struct Claims {
    sub: String,
    email: Option<String>,
    email_verified: Option<Value>,
    act: Option<Actor>,
    client_id: Option<String>,
    azp: Option<String>,
    exp: f64,
    iat: Option<f64>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Actor {
    sub: String,
    iss: Option<String>,
    act: Option<Box<Actor>>,
}

impl Issuer {
    /// # Errors
    /// When the token ends too far ahead, or was made in the future.
    pub fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<(), IdentityError> {
        let (now, leeway) = (now.as_second() as f64, LEEWAY as f64);
        if claims.exp.is_nan() || claims.exp > now + self.max_life.as_secs_f64() + leeway {
            return Err(invalid("`exp` is further ahead than the issuer's `max_token_life_s`"));
        }
        if claims.iat.is_some_and(|iat| iat.is_nan() || iat > now + leeway) {
            return Err(invalid("`iat` is in the future"));
        }
        Ok(())
    }

    fn object(&self, object_type: &str, name: &str) -> Result<SubjectRef, IdentityError> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(invalid("the claim that names the subject or an actor is empty or longer than 200 bytes"));
        }
        if !self.subject_types.iter().any(|allowed| allowed == object_type) {
            return Err(invalid("tokens of this issuer may not stand for a subject of this type (`subject_types`)"));
        }
        // The spelling of the whole name, as rules and tuples have it.
        let id = canonical_name(object_type, &format!("{}{name}", self.subject_prefix));
        // SECURITY: a name that begins with a combining mark would change the prefix into that of another issuer.
        if !id.starts_with(&self.subject_prefix) {
            return Err(invalid("the claim that names the subject begins in the middle of a character"));
        }
        // Whoever can't be named in a tuple can't be banned.
        let object = ObjectRef::new(object_type, &id);
        object.map(SubjectRef::Object).map_err(|_| invalid("the claim that names the subject is too long to be named"))
    }

    /// The principal that a verified token stands for.
    ///
    /// # Errors
    /// When its claims are missing, contradict each other or name somebody that this issuer may not name.
    pub fn principal(&self, claims: &Claims) -> Result<Principal, IdentityError> {
        let client = match (claims.client_id.as_deref(), claims.azp.as_deref()) {
            (Some(client), Some(party)) if client != party => {
                return Err(invalid("`client_id` and `azp` name two clients"));
            }
            (client, party) => client.or(party),
        };
        // A token whose subject is the client itself is that service, and nobody else.
        let is_client = client == Some(claims.sub.as_str());
        let mut subjects = vec![if is_client {
            self.object("service", &claims.sub)?
        } else {
            self.object("user", self.person(claims)?)?
        }];
        let mut actor = claims.act.as_ref();
        while let Some(current) = actor {
            if subjects.len() > MAX_ACTORS {
                return Err(invalid("`act` is nested more than 8 deep"));
            }
            if current.iss.as_ref().is_some_and(|iss| *iss != self.issuer) {
                return Err(invalid("`act` names an actor of another issuer"));
            }
            subjects.push(self.object("agent", &current.sub)?);
            actor = current.act.as_deref();
        }
        if is_client && subjects.len() > 1 {
            return Err(invalid("a client's own token has `act`"));
        }
        let agent = client.filter(|client| !is_client && self.agent_clients.iter().any(|agent| agent == client));
        match (agent, claims.act.as_ref()) {
            (Some(client), None) => subjects.push(self.object("agent", client)?),
            (Some(client), Some(actor)) if actor.sub != client => {
                return Err(invalid("the client is an agent, and `act` names another one"));
            }
            _ => {}
        }
        let named = self.scopes_of(claims)?;
        let is_scoped = !named.is_empty();
        let mut scopes = Scopes::parse(named);
        if !crate::mutants::active("tokens_say_their_scopes") {
            scopes = scopes.within(&self.scopes);
        }
        if subjects.len() > 1 && !self.actors_administer {
            scopes = scopes.within(&Scopes::reading());
        }
        let principal =
            Principal::new(&scopes, subjects, self.ceiling.clone(), self.issuer.clone()).by_token(&claims.sub);
        let principal = principal.until(Timestamp::from_second(claims.exp as i64).ok());
        Ok(if is_scoped { principal } else { principal.unscoped() })
    }

    fn person<'c>(&self, claims: &'c Claims) -> Result<&'c str, IdentityError> {
        match self.subject_claim {
            SubjectClaim::Sub => Ok(&claims.sub),
            SubjectClaim::Email => {
                let email = claims.email.as_deref().ok_or_else(|| invalid("the claim `email` is missing"))?;
                // Some issuers write it as text.
                let is_verified = matches!(&claims.email_verified, Some(Value::Bool(true)))
                    || claims.email_verified.as_ref().and_then(Value::as_str) == Some("true");
                if is_verified || crate::mutants::active("any_address_counts") {
                    Ok(email)
                } else {
                    Err(invalid("`email_verified` is not true"))
                }
            }
        }
    }

    /// Scopes of all claims that hold some: a text with spaces, or a list. Those of other services are not ours.
    fn scopes_of<'c>(&self, claims: &'c Claims) -> Result<Vec<&'c str>, IdentityError> {
        let mut names: Vec<&str> = Vec::new();
        for claim in ["scope", "scp"].into_iter().chain(self.scope_claims.iter().map(String::as_str)) {
            match claims.rest.get(claim) {
                None => {}
                Some(Value::String(text)) => names.extend(text.split(' ')),
                Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                    names.extend(list.iter().filter_map(Value::as_str));
                }
                Some(_) => return Err(invalid("a claim of scopes is neither a text nor a list of texts")),
            }
        }
        Ok(names.into_iter().filter_map(|scope| scope.strip_prefix("usher.")).collect())
    }
}
