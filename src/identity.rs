//! Who is asking: from a bearer credential to a principal with its ceilings, and to the reader that retrieval runs for.
//!
//! Identity comes from credentials alone, never from a request body. A credential that is there and can't be used is
//! refused; nothing of it counts as absent.

use jiff::{SignedDuration, Timestamp};

use crate::audit::Validity;
use crate::authority::Reader;
use crate::authz::names::READER_TYPES;
use crate::authz::{ObjectRef, SubjectRef};
use crate::limits::Payer;
use crate::snapshot::Snapshot;
use crate::wire::{CredentialKind, WhoAmI};

pub mod issuer;
pub mod jwks;
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

/// Why a credential does not count. The caller learns the reason where it says nothing about what is stored; the log learns
/// all of it, so a reason names claims and what was configured, and never what a credential says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IdentityError {
    #[error("no credential was given")]
    Missing,
    /// A header that is there and can't be used.
    #[error("the header `{header}` {problem}")]
    Header { header: &'static str, problem: &'static str },
    #[error("the credential is not valid: {reason}")]
    Invalid { reason: &'static str },
    /// The reason names a claim, which its caller may know; what is expected is configured, and the log's to say.
    #[error("the token is not valid: {reason}{expected}")]
    Token { reason: &'static str, expected: String },
    #[error("the token has expired")]
    Expired,
    /// A token that can't be verified at the moment, which says nothing about it.
    #[error("the keys of the issuer can't be had at the moment")]
    KeysUnavailable,
    #[error("the credential lacks the scope `{0}`")]
    Scope(Scope),
    #[error("the credential may not act for this subject")]
    SubjectNotPermitted,
    #[error("a credential can't give what it does not have")]
    Beyond,
    #[error("the credential stands for nobody, so it can't read")]
    NoSubject,
}

/// What a credential can reach at most, whatever its scopes are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Absent: every collection.
    pub collections: Option<Vec<String>>,
    /// Absent: every source may be written.
    pub sources: Option<Vec<String>>,
    /// Types of subjects that may be named without a proof.
    pub act_as_types: Vec<String>,
}

impl Ceiling {
    /// Whether a scope can be held to this ceiling: tuples and settings are of no collection and no source, so whoever
    /// is held to some of these can't have a scope that reaches all of those.
    pub fn can_hold(&self, scope: Scope) -> bool {
        match scope {
            Scope::Admin | Scope::RelationshipsWrite => self.collections.is_none() && self.sources.is_none(),
            Scope::RelationshipsRead => self.collections.is_none(),
            _ => true,
        }
    }

    /// Whether everything that `inner` reaches is reached.
    fn covers(&self, inner: &Self) -> bool {
        let within = |outer: &Option<Vec<String>>, inner: &Option<Vec<String>>| match (outer, inner) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(outer), Some(inner)) => inner.iter().all(|name| outer.contains(name)),
        };
        within(&self.collections, &inner.collections)
            && within(&self.sources, &inner.sources)
            && inner.act_as_types.iter().all(|name| self.act_as_types.contains(name))
    }
}

/// An authenticated credential.
#[derive(Debug, Clone)]
pub struct Principal {
    scopes: Scopes,
    /// Whether the credential says what it may be used for, be it nothing.
    is_scoped: bool,
    /// Whom the credential itself is: a key's subject, or a token's person and its actors.
    own: Vec<SubjectRef>,
    /// Whom it acts for; they replace the credential's own subjects for reading.
    acting: Option<Vec<SubjectRef>>,
    ceiling: Ceiling,
    /// For the audit: the key's id or the token's issuer.
    pub credential_id: String,
    /// Whom limits count against: the key's id, or the token's issuer and subject.
    payer: String,
    kind: CredentialKind,
    expires_at: Option<Timestamp>,
    /// The end of the token that shows whom it acts for.
    acting_until: Option<Timestamp>,
}

impl Principal {
    /// A credential with what its ceiling leaves of its scopes.
    pub fn new(scopes: &Scopes, own: Vec<SubjectRef>, ceiling: Ceiling, credential_id: String) -> Self {
        let kind = CredentialKind::Key;
        let is_bound = !crate::mutants::active("ceilings_bind_no_scope");
        let scopes = if is_bound { scopes.under(&ceiling) } else { scopes.clone() };
        Self {
            scopes,
            is_scoped: true,
            own,
            acting: None,
            ceiling,
            payer: credential_id.clone(),
            credential_id,
            kind,
            expires_at: None,
            acting_until: None,
        }
    }

    /// A token without scopes of this service: it proves who somebody is, and may do nothing by itself.
    fn unscoped(self) -> Self {
        Self { is_scoped: false, ..self }
    }

    /// A token's bearer: limits count against the person, not the issuer.
    fn by_token(self, person: &str) -> Self {
        Self { payer: format!("{} {person}", self.credential_id), kind: CredentialKind::Token, ..self }
    }

    fn until(self, end: Option<Timestamp>) -> Self {
        Self { expires_at: end, ..self }
    }

    /// What it hangs on while the request goes on.
    pub fn validity(&self) -> Validity {
        // Tokens count for as long after their end as clocks may differ.
        let late = |end: Timestamp| end.checked_add(SignedDuration::from_secs(jwt::LEEWAY as i64)).unwrap_or(end);
        let (key, own) = match self.kind {
            CredentialKind::Key => (Some(self.credential_id.clone()), self.expires_at),
            CredentialKind::Token => (None, self.expires_at.map(late)),
        };
        Validity { key, until: own.into_iter().chain(self.acting_until.map(late)).min() }
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// # Errors
    /// When the credential lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<(), IdentityError> {
        if self.has(scope) { Ok(()) } else { Err(IdentityError::Scope(scope)) }
    }

    /// The reader that this principal's questions run for.
    ///
    /// # Errors
    /// When the credential stands for nobody.
    pub fn reader(&self) -> Result<Reader, IdentityError> {
        let subjects = self.acting.as_ref().unwrap_or(&self.own);
        if subjects.is_empty() {
            return Err(IdentityError::NoSubject);
        }
        let collections = self.ceiling.collections.clone();
        Ok(Reader { subjects: subjects.clone(), collections, context: Default::default() })
    }

    /// Whom limits count against: a person with a token is the same as when a service acts for it.
    pub fn payer(&self) -> Payer {
        let is_key = self.kind == CredentialKind::Key;
        let subjects = self.acting.as_ref().or((!is_key).then_some(&self.own));
        let names = subjects.map(|subjects| subjects.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        Payer { credential: self.payer.clone(), subject: names }
    }

    /// Whom it reads as, by name; nobody where it stands for nobody.
    pub fn names(&self) -> Vec<String> {
        self.reader().map(|reader| reader.subjects.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// What its holder may know of it: all that it was made with.
    pub fn told(&self) -> WhoAmI {
        let names = |subjects: &[SubjectRef]| subjects.iter().map(ToString::to_string).collect::<Vec<_>>();
        WhoAmI {
            credential: self.kind,
            id: self.credential_id.clone(),
            subjects: names(&self.own),
            acts_for: self.acting.as_deref().map(names),
            reads_as: self.names(),
            scopes: Scope::all().filter(|scope| self.has(*scope)).map(|scope| scope.to_string()).collect(),
            collections: self.ceiling.collections.clone(),
            sources: self.ceiling.sources.clone(),
            act_as_types: self.ceiling.act_as_types.clone(),
            expires_at: self.expires_at.map(|end| end.to_string()),
        }
    }

    pub fn may_write_source(&self, source: &str) -> bool {
        self.ceiling.sources.as_ref().is_none_or(|sources| sources.iter().any(|allowed| allowed == source))
    }

    /// The sources that may be written; absent: every one.
    pub fn sources(&self) -> Option<&[String]> {
        self.ceiling.sources.as_deref()
    }

    pub fn reaches(&self, collection: &str) -> bool {
        self.ceiling.collections.as_ref().is_none_or(|names| names.iter().any(|name| name == collection))
    }

    /// Whether every collection is reached, also those that are gone.
    pub fn reaches_all(&self) -> bool {
        self.ceiling.collections.is_none()
    }

    /// Whether a key with these scopes and this ceiling has nothing that this credential lacks.
    pub fn may_grant(&self, scopes: &Scopes, ceiling: &Ceiling) -> bool {
        self.ceiling.covers(ceiling) && scopes.iter().all(|scope| self.has(scope))
    }

    /// Acts for a subject that is named without a proof.
    fn act_as(&mut self, subject: &str) -> Result<(), IdentityError> {
        let problem = "must name one reader: `user:…`, `agent:…` or `service:…`, such as `user:anne`";
        let malformed = |_| IdentityError::Header { header: "usher-subject", problem };
        let subject = parse_subject(subject).map_err(malformed)?;
        if !self.may_act_as(&subject) {
            return Err(IdentityError::SubjectNotPermitted);
        }
        self.acting = Some(vec![subject]);
        Ok(())
    }

    /// Whether it may make a key that stands for this subject: itself, or one that it may act for. Who reads as somebody
    /// with an agent may not: the key would be without the agent, and read more.
    pub fn may_name(&self, subject: &SubjectRef) -> bool {
        self.own == std::slice::from_ref(subject) || self.may_act_as(subject)
    }

    fn may_act_as(&self, subject: &SubjectRef) -> bool {
        self.has(Scope::ActAs) && self.ceiling.act_as_types.iter().any(|name| name == subject.subject_type())
    }

    /// Acts for the person of a token that proves it, within what both credentials reach, and may do if the token says
    /// what. Whoever is a person can show
    /// another person's token only with `act_as`: else a token that was found would make one person another. Agents
    /// that this credential reads with go on to narrow.
    fn act_with(&mut self, token: Principal) -> Result<(), IdentityError> {
        let is = |subject: &SubjectRef, kind: &str| subject.subject_type() == kind;
        let is_other = |subject: &&SubjectRef| is(subject, "user") && !token.own.contains(*subject);
        if self.own.iter().any(|subject| is_other(&subject)) && !self.has(Scope::ActAs) {
            return Err(IdentityError::SubjectNotPermitted);
        }
        if token.is_scoped && !crate::mutants::active("a_subjects_scopes_bind_nobody") {
            self.scopes = self.scopes.within(&token.scopes);
        }
        self.acting_until = token.expires_at;
        let mut subjects = token.own;
        // A token's actors; a key of an agent or service stands for whoever it shows the token of.
        if self.own.len() > 1 {
            let actors = self.own.iter().filter(|subject| is(subject, "agent") && !subjects.contains(*subject));
            let actors: Vec<_> = actors.cloned().collect();
            subjects.extend(actors);
        }
        self.acting = Some(subjects);
        let both = |own: Option<Vec<String>>, other: Option<Vec<String>>| match (own, other) {
            (Some(own), Some(other)) => Some(own.into_iter().filter(|name| other.contains(name)).collect()),
            (own, other) => own.or(other),
        };
        self.ceiling.collections = both(self.ceiling.collections.take(), token.ceiling.collections);
        self.ceiling.sources = both(self.ceiling.sources.take(), token.ceiling.sources);
        // What reaches everything can't be held to a part.
        if !crate::mutants::active("ceilings_bind_no_scope") {
            self.scopes = self.scopes.under(&self.ceiling);
        }
        Ok(())
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
            (Some(token), None) => principal.act_with(self.issuers.authenticate(token, now).await?)?,
            (None, Some(subject)) => principal.act_as(subject)?,
        }
        Ok(principal)
    }
}

/// A subject as configuration and keys name it: a plain object of a type that can read, in its one spelling.
///
/// # Errors
/// For anything else: wildcards, usersets, malformed ids.
pub fn parse_subject(text: &str) -> Result<SubjectRef, IdentityError> {
    match SubjectRef::parse(text) {
        Ok(SubjectRef::Object(ObjectRef { object_type, id })) if READER_TYPES.contains(&object_type.as_str()) => {
            Ok(SubjectRef::Object(ObjectRef { object_type, id }))
        }
        _ => Err(IdentityError::Invalid { reason: "malformed subject" }),
    }
}
