//! Who is asking: from a bearer credential to a principal with its ceilings, and to the reader that retrieval runs for.
//!
//! Identity comes from credentials alone, never from a request body.

use jiff::Timestamp;

use crate::authority::Reader;
use crate::authz::{ObjectRef, SubjectRef};
use crate::limits::Payer;
use crate::snapshot::Snapshot;

pub mod jwt;
pub mod key;
pub mod lifetime;
pub mod scope;

pub use scope::{Scope, Scopes};

/// What arrived in the headers, unverified. Has no `Debug`: it holds secrets.
pub struct Credential {
    /// `Authorization: Bearer …`
    pub bearer: Option<String>,
    /// `Usher-Subject-Token: <JWT>`: the person that a service acts for.
    pub subject_token: Option<String>,
    /// `Usher-Subject: user:anne`: the same without a proof, for keys with scope `act_as`.
    pub subject: Option<String>,
}

/// The same answer for every credential that is no good, whatever the reason; the reason goes to the log.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("no credential was given")]
    Missing,
    #[error("the credential is not valid: {reason}")]
    Invalid { reason: &'static str },
    #[error("the token has expired")]
    Expired,
    #[error("the credential lacks the scope `{0}`")]
    Scope(Scope),
    #[error("the credential may not act for this subject")]
    SubjectNotPermitted,
    #[error("the credential stands for nobody, so it can't read")]
    NoSubject,
}

/// An authenticated credential.
#[derive(Debug, Clone)]
pub struct Principal {
    pub scopes: Scopes,
    /// Whom the credential itself is.
    subject: Option<SubjectRef>,
    /// Whom it acts for, and the actors of a token; they replace the credential's own subject for reading.
    acting: Option<Vec<SubjectRef>>,
    collections: Option<Vec<String>>,
    sources: Option<Vec<String>>,
    /// For the audit: the key's id or the token's issuer.
    pub credential_id: String,
    /// Whom limits count against: the key's id, or the token's issuer and subject.
    payer: String,
}

impl Principal {
    /// # Errors
    /// When the credential lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<(), IdentityError> {
        if self.scopes.contains(scope) { Ok(()) } else { Err(IdentityError::Scope(scope)) }
    }

    /// The reader that this principal's questions run for.
    ///
    /// # Errors
    /// When the credential stands for nobody.
    pub fn reader(&self) -> Result<Reader, IdentityError> {
        let subjects = match (&self.acting, &self.subject) {
            (Some(acting), _) => acting.clone(),
            (None, Some(subject)) => vec![subject.clone()],
            (None, None) => return Err(IdentityError::NoSubject),
        };
        Ok(Reader { subjects, collections: self.collections.clone(), context: Default::default() })
    }

    /// Whom limits count against.
    pub fn payer(&self) -> Payer {
        let acting = self.acting.as_ref().map(|acting| acting.iter().map(ToString::to_string).collect::<Vec<_>>());
        Payer { credential: self.payer.clone(), subject: acting.map(|acting| acting.join(" ")) }
    }

    /// Whom it reads as, by name; nobody where it stands for nobody.
    pub fn names(&self) -> Vec<String> {
        self.reader().map(|reader| reader.subjects.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    pub fn may_write_source(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|allowed| allowed == source))
    }

    pub fn reaches(&self, collection: &str) -> bool {
        self.collections.as_ref().is_none_or(|names| names.iter().any(|name| name == collection))
    }

    /// Whether every collection is reached, also those that are gone.
    pub fn reaches_all(&self) -> bool {
        self.collections.is_none()
    }

    /// Whether only some sources may be written.
    pub fn is_confined(&self) -> bool {
        self.sources.is_some()
    }
}

/// Checks credentials against the keys of the newest snapshot and the configured issuers.
pub struct Authenticator {
    pub keys: key::KeyHasher,
    pub issuers: jwt::Issuers,
}

impl Authenticator {
    /// # Errors
    /// When the credential is missing, unknown, expired, revoked, or names a subject that it may not act for.
    pub async fn authenticate(
        &self,
        snapshot: &Snapshot,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Principal, IdentityError> {
        let bearer = credential.bearer.as_deref().ok_or(IdentityError::Missing)?;
        let mut principal = if bearer.starts_with(key::PREFIX) {
            self.keys.authenticate(snapshot, bearer, now)?
        } else {
            self.issuers.authenticate(bearer, now).await?
        };
        match (&credential.subject_token, &credential.subject) {
            (None, None) => {}
            (Some(_), Some(_)) => return Err(IdentityError::SubjectNotPermitted),
            (Some(token), None) => {
                let person = self.issuers.authenticate(token, now).await?;
                principal.act_for(person.reader()?.subjects);
            }
            (None, Some(subject)) => {
                let subject = self.keys.named_subject(snapshot, bearer, subject)?;
                principal.act_for(vec![subject]);
            }
        }
        Ok(principal)
    }
}

impl Principal {
    /// Reading runs for these subjects from now on, within the credential's ceilings.
    fn act_for(&mut self, subjects: Vec<SubjectRef>) {
        self.acting = Some(subjects);
    }
}

/// A subject as configuration and keys name it: a plain object of a type that can read.
///
/// # Errors
/// For anything else: wildcards, usersets, malformed ids.
pub fn parse_subject(text: &str) -> Result<SubjectRef, IdentityError> {
    match SubjectRef::parse(text) {
        Ok(SubjectRef::Object(ObjectRef { object_type, id }))
            if matches!(object_type.as_str(), "user" | "agent" | "service") && id != "*" =>
        {
            Ok(SubjectRef::Object(ObjectRef { object_type, id }))
        }
        _ => Err(IdentityError::Invalid { reason: "malformed subject" }),
    }
}
