"""Calls every endpoint with the unmodified Python SDK and prints what it says, one line per call."""

import json
import os

from openfga_sdk import (
    ClientConfiguration,
    ConsistencyPreference,
    CreateStoreRequest,
    FgaObject,
    ReadRequestTupleKey,
    RelationshipCondition,
    UserTypeFilter,
    WriteAuthorizationModelRequest,
)
from openfga_sdk.client.models import (
    ClientAssertion,
    ClientBatchCheckItem,
    ClientBatchCheckRequest,
    ClientCheckRequest,
    ClientExpandRequest,
    ClientListObjectsRequest,
    ClientListRelationsRequest,
    ClientReadChangesRequest,
    ClientTuple,
    ClientWriteRequest,
)
from openfga_sdk.client.models.list_users_request import ClientListUsersRequest
from openfga_sdk.client.models.write_conflict_opts import (
    ClientWriteRequestOnDuplicateWrites,
    ClientWriteRequestOnMissingDeletes,
    ConflictOptions,
)
from openfga_sdk.credentials import CredentialConfiguration, Credentials
from openfga_sdk.exceptions import ApiException
from openfga_sdk.sync import OpenFgaClient

TOLERANT = ConflictOptions(
    on_duplicate_writes=ClientWriteRequestOnDuplicateWrites.IGNORE,
    on_missing_deletes=ClientWriteRequestOnMissingDeletes.IGNORE,
)
HERE = os.path.dirname(os.path.abspath(__file__))


def plain(value):
    """A value of the SDK as JSON, in an order of its own where none is promised."""
    if isinstance(value, list):
        return sorted((plain(element) for element in value), key=lambda shown: json.dumps(shown, sort_keys=True))
    if isinstance(value, dict):
        return {str(key): plain(field) for key, field in value.items() if key != "continuation_token"}
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def show(name, call):
    try:
        print(name, json.dumps(plain(call()), sort_keys=True))
    except ApiException as error:
        print(name, "refused:", error.status, error.code)


def configuration(**more):
    token = os.environ["FGA_API_TOKEN"]
    if token:
        more["credentials"] = Credentials(
            method="api_token", configuration=CredentialConfiguration(api_token=token)
        )
    return ClientConfiguration(api_url=os.environ["FGA_API_URL"], **more)


def key(user, relation, object, condition=None):
    return ClientTuple(user=user, relation=relation, object=object, condition=condition)


with OpenFgaClient(configuration()) as client:
    store = client.create_store(CreateStoreRequest(name="python client"))
    print("store", store.name)

with OpenFgaClient(configuration(store_id=store.id)) as client:
    show("stores", lambda: [found.id for found in client.list_stores({"name": "python client"}).stores if found.id == store.id])
    show("store", client.get_store)
    with open(os.path.join(HERE, "../../openfga/model.json"), encoding="utf-8") as file:
        model = json.load(file)
    written = client.write_authorization_model(
        WriteAuthorizationModelRequest(
            schema_version=model["schema_version"],
            type_definitions=model["type_definitions"],
            conditions=model["conditions"],
        )
    )
    show("models", client.read_authorization_models)
    show("latest", client.read_latest_authorization_model)
    client.set_authorization_model_id(written.authorization_model_id)
    show("model", client.read_authorization_model)

    below = RelationshipCondition(name="below", context={"x": 1})
    tuples = [
        key("user:anne", "viewer", "doc:1"),
        key("user:bob", "viewer", "doc:1"),
        key("user:bob", "blocked", "doc:1"),
        key("group:g#member", "viewer", "doc:1"),
        key("user:dora", "member", "group:g"),
        key("user:*", "viewer", "doc:2"),
        key("folder:f", "parent", "doc:3"),
        key("user:anne", "viewer", "folder:f"),
        key("user:anne", "limited", "doc:1", below),
        key("user:anne", "limited", "doc:3", RelationshipCondition(name="below")),
    ]
    show("write", lambda: client.write(ClientWriteRequest(writes=tuples)).writes is not None)
    show("write again", lambda: client.write(ClientWriteRequest(writes=tuples[:1])))
    show(
        "write again tolerantly",
        lambda: client.write(
            ClientWriteRequest(writes=tuples[:1]),
            {"conflict": TOLERANT},
        ).writes is not None,
    )
    show("write nonsense", lambda: client.write(ClientWriteRequest(writes=[key("user:anne", "none", "doc:1")])))
    show("read", lambda: client.read(ReadRequestTupleKey()))
    show("read one", lambda: client.read(ReadRequestTupleKey(user="user:anne", relation="viewer", object="doc:1")))
    show("read by user", lambda: client.read(ReadRequestTupleKey(user="user:anne", object="doc:")))
    page = client.read(ReadRequestTupleKey(object="doc:1"), {"page_size": 2})
    rest = client.read(
        ReadRequestTupleKey(object="doc:1"), {"page_size": 2, "continuation_token": page.continuation_token}
    )
    print("pages", len(page.tuples), len(rest.tuples))

    for user in ["user:anne", "user:bob", "user:dora", "user:nobody", "group:g#member", "martian:x"]:
        for object in ["doc:1", "doc:2", "doc:3"]:
            show(
                f"check {user} {object}",
                lambda: client.check(ClientCheckRequest(user=user, relation="can_view", object=object)).allowed,
            )
    show("conditional", lambda: client.check(ClientCheckRequest(user="user:anne", relation="limited", object="doc:3")))
    show(
        "conditional with context",
        lambda: client.check(
            ClientCheckRequest(user="user:anne", relation="limited", object="doc:3", context={"x": 4})
        ).allowed,
    )
    show(
        "contextual",
        lambda: client.check(
            ClientCheckRequest(
                user="user:new",
                relation="can_view",
                object="doc:1",
                contextual_tuples=[key("user:new", "member", "group:g")],
            ),
            {"consistency": ConsistencyPreference.HIGHER_CONSISTENCY},
        ).allowed,
    )
    batch = client.batch_check(
        ClientBatchCheckRequest(
            checks=[
                ClientBatchCheckItem(user="user:anne", relation="can_view", object="doc:1", correlation_id="a"),
                ClientBatchCheckItem(user="user:bob", relation="can_view", object="doc:1", correlation_id="b"),
                ClientBatchCheckItem(user="user:bob", relation="none", object="doc:1", correlation_id="c"),
            ]
        )
    )
    for answer in sorted(batch.result, key=lambda answer: answer.correlation_id):
        print("batch", answer.correlation_id, answer.allowed, answer.error and answer.error.input_error)
    show("expand", lambda: client.expand(ClientExpandRequest(relation="can_view", object="doc:1")))
    show("expand viewer", lambda: client.expand(ClientExpandRequest(relation="viewer", object="doc:3")))
    listing = ClientListObjectsRequest(user="user:anne", relation="can_view", type="doc")
    show("objects", lambda: client.list_objects(listing))
    show("streamed", lambda: sorted(found.object for found in client.streamed_list_objects(listing)))
    show(
        "objects of no type",
        lambda: client.list_objects(ClientListObjectsRequest(user="user:anne", relation="can_view", type="none")),
    )
    show(
        "relations",
        lambda: client.list_relations(
            ClientListRelationsRequest(
                user="user:bob", object="doc:1", relations=["viewer", "blocked", "can_view", "editor"]
            )
        ),
    )
    for filter in [UserTypeFilter(type="user"), UserTypeFilter(type="group", relation="member")]:
        show(
            "users",
            lambda: client.list_users(
                ClientListUsersRequest(
                    object=FgaObject(type="doc", id="1"), relation="can_view", user_filters=[filter]
                )
            ),
        )
    assertions = [ClientAssertion(user="user:anne", relation="can_view", object="doc:1", expectation=True)]
    show("assert", lambda: client.write_assertions(assertions) is not None)
    show("assertions", client.read_assertions)
    show("delete", lambda: client.write(ClientWriteRequest(deletes=tuples[:1])).deletes is not None)
    show("delete again", lambda: client.write(ClientWriteRequest(deletes=tuples[:1])))
    show("changes", lambda: client.read_changes(ClientReadChangesRequest(type="doc"), {"page_size": 50}))
    show("delete store", lambda: client.delete_store() is None)
    show("gone", client.get_store)
