"""What of Schemathesis' findings is none: answers that no description can promise.

A request that fits the description may be refused for what it names: a cursor or revision that this service has not made,
something that the configuration or the authorization model decides, a time that must lie ahead. Such a refusal is taken only
where it points at exactly such a place. Nothing else is left out, and no check is off.
"""

import json
import os
import re
from collections.abc import Mapping

import schemathesis

# Operation, and where a refusal (400) of a request that fits may point, with what decides there.
INHERENT = [
    # Tokens: only what the service has made opens.
    (r".* /v1/.*", r"/cursor|/(min|as_of|expected)_revision"),
    # The configured limit of deadlines, the fields that collections declare, and what reads as nothing after it is cleaned.
    (r"POST /v1/query", r"/deadline_ms|/filter.*|/query"),
    # The authorization model decides which tuples there can be, and which relations can be asked for.
    # (`/writes`: both lists together are too long.)
    (r"POST /v1/relationships/(write|impact)", r"/writes|/(writes|deletes)/\d+"),
    (r"POST /v1/explain", r"/subject|/relation|/collection|/context/current_time"),
    (r"POST /v1/explain/readers", r"/context/current_time"),
    (r"POST /v1/models", r"/model"),
    # The same, and the configured embedders.
    (r"PUT /v1/collections/\{name\}", r"/embedder|/object_type|/section_type|/relation"),
    (r"POST /v1/collections/\{name\}/reindex", r"/embedder"),
    # A key must end in the future.
    (r"POST /v1/keys", r"/expires_at"),
]


# OpenFGA's errors have no pointers: its codes for what the store, the model and the stored tuples decide.
INHERENT_CODES = {
    "latest_authorization_model_not_found",
    "authorization_model_not_found",
    "invalid_authorization_model",
    "invalid_continuation_token",
    "invalid_tuple",
    "relation_not_found",
    "type_not_found",
    "write_failed_due_to_invalid_input",
    "cannot_allow_duplicate_tuples_in_one_request",
    "exceeded_entity_limit",
}
# The same under its code for everything else.
INHERENT_MESSAGES = [
    r".*is not defined.*",
    r".*has no relation.*",
    r".*cannot be assigned.*",
    r".*cannot have relation.*",
    # Bounds of names are of bytes, and a schema counts characters.
    r".*: it is too long",
    r".*correlation_id of its own.*",
    r"(relation|type) '.*' not found",
    r"No authorization models found for store .*|Authorization Model .* not found",
    r"start_time: a time in the past is expected",
    r"Usher-Min-Revision is no revision of this service",
]


def is_openfga(label):
    return re.search(r" /(stores|healthz)\b", label) is not None


def pointers(answer):
    return [error["pointer"] for error in answer.get("errors", [])]


def is_inherent(label, answer):
    """Whether a refusal points only at places that nothing but the service can judge."""
    if is_openfga(label):
        answer = answer.get("error", answer)
        by_message = any(re.fullmatch(message, answer["message"], re.DOTALL) for message in INHERENT_MESSAGES)
        return answer["code"] in INHERENT_CODES or (answer["code"] in ("validation_error", 3) and by_message)
    places = [place for operation, place in INHERENT if re.fullmatch(operation, label)]
    found = pointers(answer)
    return bool(found) and all(any(re.fullmatch(place, pointer) for place in places) for pointer in found)


def is_told_per_document(label, answer):
    """Documents and checks of a batch stand or fall alone: with one that does not fit, the answer is 200 and says so there."""
    if label.endswith("/batch-check"):
        return any("error" in decision for decision in answer["result"].values())
    if label != "POST /v1/documents":
        return False
    problems = [result.get("problem") for result in answer["results"]]
    return any(problem and problem["status"] == 422 for problem in problems)


def is_empty_object(label, response):
    """OpenFGA's API takes an absent body for `{}`; of these two requests nothing is required."""
    takes = ("POST /stores/{store}/read", "PUT /stores/{store}/assertions/{model}")
    return label in takes and not response.request.body


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if type(failure).__name__ == "AcceptedNegativeData" and is_empty_object(case.operation.label, response):
        return False
    try:
        answer = json.loads(response.content)
    except ValueError:
        return True
    label, name = case.operation.label, type(failure).__name__
    if name == "RejectedPositiveData" and response.status_code == 400:
        # Optional headers are also tried with `0`, whatever the description says of them.
        if "`usher-subject`" in answer.get("detail", ""):
            return re.fullmatch(r"(user|agent|service):.+", case.headers["Usher-Subject"]) is not None
        return not is_inherent(label, answer)
    # The document has another version: what `If-Match` is for. The same for the revision that a write expects.
    if name == "RejectedPositiveData" and response.status_code == 412:
        return answer.get("code") != "version_conflict"
    if name == "AcceptedNegativeData" and response.status_code == 200:
        return not is_told_per_document(label, answer)
    # The caller asked for an answer within a time that was too short.
    if name == "ServerError" and response.status_code == 504:
        return not (answer.get("code") == "deadline_exceeded" and "deadline_ms" in (case.body or {}))
    # As OpenFGA's own server, whose clients this surface is for.
    if name == "UnsupportedMethodResponse" and is_openfga(label):
        return answer.get("code") != "unimplemented"
    return True


# Tokens that have the right form, and that no service made. Those that end with one of the last letters are sent.
TOKEN = re.compile(r"(r1\.)?[A-Za-z0-9_+/=-]*[^v-zV-Z]")


def with_something_behind(fields):
    """Without tokens that are refused before anything else is looked at, and with a store and a model that there are: so
    that what the description says of the other fields is tried."""
    if not isinstance(fields, Mapping):
        return fields
    kept = dict(fields)
    tokens = ("cursor", "continuation_token", "min_revision", "as_of_revision", "expected_revision")
    for name in tokens:
        if isinstance(kept.get(name), str) and TOKEN.fullmatch(kept[name]):
            del kept[name]
    own = {"store": os.environ["USHER_STORE"], "model": os.environ["USHER_MODEL"]}
    own["authorization_model_id"] = own["model"]
    for name, value in own.items():
        if isinstance(kept.get(name), str) and re.fullmatch(r"[0-9A-HJKMNP-T]{26}", kept[name]):
            kept[name] = value
    return kept


# The values that every request of the coverage phase starts from, of fields that the configuration or the clock judges:
# each would be refused, or end the work, before the one field that is tried is looked at.
STARTING_POINTS = {"deadline_ms": 1, "embedder": "", "expires_at": "2000-01-01T00:00:00Z", "store": ""}


def spare(case):
    """The run's own key, its collection, its document and its store are not deleted: others are, or what isn't there."""
    key = os.environ["USHER_KEY"].split("_")[1]
    others = {key: "0" * 16, "main": "another", "hr/leave.md": "hr/another.md", os.environ["USHER_STORE"]: "0" * 26}
    named = dict(case.path_parameters or {})
    case.path_parameters = {name: others.get(value, value) if isinstance(value, str) else value for name, value in named.items()}


@schemathesis.hook
def before_call(context, case, kwargs):
    for part in ("path_parameters", "query", "body"):
        fields = getattr(case, part)
        kept = with_something_behind(fields)
        if part in ("query", "body") and isinstance(kept, dict):
            kept = {name: value for name, value in kept.items() if STARTING_POINTS.get(name, ...) != value}
        if kept != fields:
            setattr(case, part, kept)
    if case.method == "DELETE" and any(isinstance(value, str) for value in (case.path_parameters or {}).values()):
        spare(case)
