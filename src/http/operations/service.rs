//! Keys, and what the service says of itself.

use axum::routing::on;

use super::{
    ACT_AS, BODY, CALLER, Needs, Operation, Parameter, SUBJECT_TOKEN, Verb, WRITE, of, optional, parameter, part,
    switch, with,
};
use crate::http::openapi;
use crate::http::problem::{NOT_FOUND, STARTING};
use crate::http::routes::{health, keys, receipts, whoami};
use crate::identity::Scope;
use crate::limits::rates::Class;
use crate::wire::{CreateKey, Health, KeyCreated, Keys, ReceiptKeys, WhoAmI};

const FORCE: Parameter =
    optional(with(switch, parameter("query", "force", "Also the last working key with the scope `admin`.")));
const KEY: Parameter = with(part, parameter("path", "id", "Id of the key, the part between the underscores."));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Verb::Post,
        path: "/v1/keys",
        handler: |verb| on(verb, keys::create),
        id: "keys_create",
        summary: "Make an API key; its secret is shown once",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[],
        request: of::<CreateKey>(),
        answers: &[(201, "The key with its secret.", of::<KeyCreated>())],
        problems: &[CALLER, BODY, WRITE],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/keys",
        handler: |verb| on(verb, keys::list),
        id: "keys_list",
        summary: "List the API keys, without their secrets",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "Keys, also revoked and expired ones.", of::<Keys>())],
        problems: &[CALLER],
    },
    Operation {
        method: Verb::Delete,
        path: "/v1/keys/{id}",
        handler: |verb| on(verb, keys::revoke),
        id: "keys_revoke",
        summary: "Revoke an API key at once",
        needs: Needs::Scope(Scope::Admin),
        class: Class::Write,
        parameters: &[&KEY, &optional(FORCE)],
        request: None,
        answers: &[(204, "It is revoked.", None)],
        problems: &[CALLER, WRITE, &[NOT_FOUND]],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/whoami",
        handler: |verb| on(verb, whoami::get),
        id: "whoami",
        summary: "Say who the caller is, for whom it acts and what it may do",
        needs: Needs::Credential,
        class: Class::Read,
        parameters: &[&SUBJECT_TOKEN, &ACT_AS],
        request: None,
        answers: &[(200, "The credential, and whom it reads as.", of::<WhoAmI>())],
        problems: &[CALLER],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/health/live",
        handler: |verb| on(verb, health::live),
        id: "health_live",
        summary: "Say that the process runs",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "It runs.", of::<Health>())],
        problems: &[],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/health/ready",
        handler: |verb| on(verb, health::ready),
        id: "health_ready",
        summary: "Say whether every part can serve",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[
            (200, "It can, perhaps without an embedder.", of::<Health>()),
            (503, "It can't, or has not started yet.", of::<Health>()),
        ],
        problems: &[],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/health/startup",
        handler: |verb| on(verb, health::startup),
        id: "health_startup",
        summary: "Say whether the start is complete",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "It is.", of::<Health>()), (503, "It isn't; `startup` says how far it is.", of::<Health>())],
        problems: &[],
    },
    Operation {
        method: Verb::Get,
        path: "/v1/receipts/keys",
        handler: |verb| on(verb, receipts::keys),
        id: "receipts_keys",
        summary: "Read the public key that verifies the receipts of answers",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "A JWK set.", of::<ReceiptKeys>())],
        problems: &[&[STARTING]],
    },
    Operation {
        method: Verb::Get,
        path: "/openapi.json",
        handler: |verb| on(verb, openapi::response()),
        id: "openapi",
        summary: "Read this description",
        needs: Needs::Nothing,
        class: Class::Read,
        parameters: &[],
        request: None,
        answers: &[(200, "OpenAPI 3.1.", of::<serde_json::Value>())],
        problems: &[&[STARTING]],
    },
];
