//! Headers of answers.

use serde_json::{Value, json};

use super::{Needs, Operation};
use crate::wire::bounds;

/// A header of answers.
pub(in crate::http) struct Header {
    pub name: &'static str,
    pub description: &'static str,
    pub schema: fn() -> Value,
    /// Whether every answer has it that may have it.
    pub is_always: bool,
    /// Whether OpenFGA's surface lacks it.
    pub is_native_alone: bool,
    /// Of an operation, for a status, and whether the answer is a problem.
    pub of: fn(&Operation, u16, bool) -> bool,
}

pub(in crate::http) const HEADERS: &[Header] = &[
    Header {
        name: "Usher-Request-ID",
        description: "The service's name of the request, as in its log and in the audit.",
        schema: || json!({"type": "string", "format": "uuid"}),
        is_always: true,
        is_native_alone: false,
        of: |_, _, _| true,
    },
    Header {
        name: "X-Request-ID",
        description: "The caller's name of the request where it gave one, or the service's.",
        schema: || json!({"type": "string", "minLength": 1, "maxLength": 128}),
        is_always: true,
        is_native_alone: false,
        of: |_, _, _| true,
    },
    Header {
        name: "WWW-Authenticate",
        description: "Which kind of credential is needed.",
        schema: || json!({"type": "string", "enum": ["Bearer"]}),
        is_always: true,
        is_native_alone: true,
        of: |_, status, _| status == 401,
    },
    Header {
        name: "Retry-After",
        description: "Seconds after which the same request may be sent again.",
        schema: || json!({"type": "integer", "minimum": 1}),
        is_always: true,
        is_native_alone: false,
        of: |_, status, is_problem| is_problem && matches!(status, 429 | 503),
    },
    Header {
        name: "RateLimit",
        description: "What is left of the rate of the operation's class, where it has one.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, status, _| operation.needs != Needs::Nothing && status != 401,
    },
    Header {
        name: "RateLimit-Policy",
        description: "The rate of the operation's class, where it has one.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, status, _| operation.needs != Needs::Nothing && status != 401,
    },
    Header {
        name: "ETag",
        description: "The version of the document, for `If-Match`.",
        schema: || json!({"type": "string", "pattern": "^\"[0-9]+\"$"}),
        is_always: true,
        is_native_alone: false,
        of: |operation, status, _| operation.id == "documents_get" && status == 200,
    },
    Header {
        name: "Usher-Revision",
        description: "The revision from which on the change holds, for `min_revision` and `Usher-Min-Revision`.",
        schema: || json!({"type": "string", "pattern": bounds::REVISION}),
        is_always: true,
        is_native_alone: false,
        of: |operation, status, _| {
            let changes =
                [("documents_delete", 204), ("openfga_write", 200), ("openfga_write_authorization_model", 201)];
            changes.contains(&(operation.id, status))
        },
    },
    Header {
        name: "openfga-store-id",
        description: "The store that the address names.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, _, _| operation.path.contains("{store}"),
    },
    Header {
        name: "openfga-authorization-model-id",
        description: "The model that was asked.",
        schema: || json!({"type": "string"}),
        is_always: false,
        is_native_alone: false,
        of: |operation, status, _| operation.path.contains("{store}") && status < 300,
    },
];
