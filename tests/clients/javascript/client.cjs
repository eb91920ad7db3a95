// Calls every endpoint with the unmodified JavaScript SDK and prints what it says, one line per call.
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const installed = createRequire(path.join(process.env.NODE_PATH, "package.json"));
const { OpenFgaClient, CredentialsMethod, ConsistencyPreference, ClientWriteRequestOnDuplicateWrites, ClientWriteRequestOnMissingDeletes } =
  installed("@openfga/sdk");

const token = process.env.FGA_API_TOKEN;
const settings = {
  apiUrl: process.env.FGA_API_URL,
  ...(token ? { credentials: { method: CredentialsMethod.ApiToken, config: { token } } } : {}),
};

// In an order of its own where none is promised, without what the SDK adds.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (value === null || typeof value !== "object") return value;
  const hidden = ["$response", "continuation_token", "clientError"];
  const names = Object.keys(value).filter((name) => !hidden.includes(name)).sort();
  return Object.fromEntries(names.map((name) => [name, plain(value[name])]));
}

async function show(name, call) {
  try {
    console.log(name, JSON.stringify(plain((await call()) ?? null)));
  } catch (error) {
    if (error.statusCode === undefined) throw error;
    console.log(name, "refused:", error.statusCode, error.apiErrorCode ?? "");
  }
}

const tuple = (user, relation, object, condition) => ({ user, relation, object, ...(condition ? { condition } : {}) });

async function main() {
  const model = JSON.parse(fs.readFileSync(path.join(__dirname, "../../openfga/model.json"), "utf8"));
  const store = await new OpenFgaClient(settings).createStore({ name: "javascript client" });
  const client = new OpenFgaClient({ ...settings, storeId: store.id });
  await show("stores", async () =>
    (await client.listStores({ name: "javascript client" })).stores.map((found) => found.id).filter((id) => id === store.id));
  await show("store", () => client.getStore());
  await show("no model", () => client.check(tuple("user:anne", "viewer", "doc:1")));
  const written = await client.writeAuthorizationModel(model);
  await show("models", () => client.readAuthorizationModels());
  await show("latest", () => client.readLatestAuthorizationModel());
  client.authorizationModelId = written.authorization_model_id;
  await show("model", () => client.readAuthorizationModel());

  const tuples = [
    tuple("user:anne", "viewer", "doc:1"),
    tuple("user:bob", "viewer", "doc:1"),
    tuple("user:bob", "blocked", "doc:1"),
    tuple("group:g#member", "viewer", "doc:1"),
    tuple("user:dora", "member", "group:g"),
    tuple("user:*", "viewer", "doc:2"),
    tuple("folder:f", "parent", "doc:3"),
    tuple("user:anne", "viewer", "folder:f"),
    tuple("user:anne", "limited", "doc:3", { name: "below" }),
  ];
  await show("write", async () => (await client.write({ writes: tuples })).writes);
  await show("write again", () => client.write({ writes: tuples.slice(0, 1) }));
  await show("write again tolerantly", async () =>
    (await client.write({ writes: tuples.slice(0, 1) }, { conflict: {
      onDuplicateWrites: ClientWriteRequestOnDuplicateWrites.Ignore,
      onMissingDeletes: ClientWriteRequestOnMissingDeletes.Ignore,
    } })).writes);
  await show("write nonsense", () => client.writeTuples([tuple("user:anne", "none", "doc:1")]));
  await show("write one by one", async () =>
    (await client.write({ writes: [tuple("user:carl", "viewer", "doc:1"), tuples[0]] }, { transaction: { disable: true } }))
      .writes.map((one) => [one.tuple_key.user, one.status]));
  await show("read", () => client.read());
  await show("read by user", () => client.read({ user: "user:anne", object: "doc:" }));
  const page = await client.read({ object: "doc:1" }, { pageSize: 2 });
  const rest = await client.read({ object: "doc:1" }, { pageSize: 2, continuationToken: page.continuation_token });
  console.log("pages", page.tuples.length, rest.tuples.length);

  for (const user of ["user:anne", "user:bob", "user:nobody", "group:g#member", "martian:x"]) {
    for (const object of ["doc:1", "doc:2", "doc:3"]) {
      await show(`check ${user} ${object}`, () => client.check(tuple(user, "can_view", object)));
    }
  }
  await show("conditional", () => client.check(tuple("user:anne", "limited", "doc:3")));
  await show("conditional with context", () => client.check({ ...tuple("user:anne", "limited", "doc:3"), context: { x: 4 } }));
  await show("contextual", () => client.check(
    { ...tuple("user:new", "can_view", "doc:1"), contextualTuples: [tuple("user:new", "member", "group:g")] },
    { consistency: ConsistencyPreference.HigherConsistency }));
  await show("batch", async () => (await client.batchCheck({ checks: [
    { ...tuple("user:anne", "can_view", "doc:1"), correlationId: "a" },
    { ...tuple("user:bob", "can_view", "doc:1"), correlationId: "b" },
    { ...tuple("user:bob", "none", "doc:1"), correlationId: "c" },
  ] })).result.map((one) => [one.correlationId, one.allowed, one.error?.input_error]));
  await show("expand", () => client.expand({ relation: "can_view", object: "doc:1" }));
  await show("objects", () => client.listObjects({ user: "user:anne", relation: "can_view", type: "doc" }));
  await show("streamed", async () => {
    const found = [];
    for await (const one of client.streamedListObjects({ user: "user:anne", relation: "can_view", type: "doc" })) found.push(one.object);
    return found;
  });
  await show("objects of no type", () => client.listObjects({ user: "user:anne", relation: "can_view", type: "none" }));
  await show("relations", () =>
    client.listRelations({ user: "user:bob", object: "doc:1", relations: ["viewer", "blocked", "can_view", "editor"] }));
  for (const filter of [{ type: "user" }, { type: "group", relation: "member" }]) {
    await show("users", () =>
      client.listUsers({ object: { type: "doc", id: "1" }, relation: "can_view", user_filters: [filter] }));
  }
  await show("assert", async () => {
    await client.writeAssertions([{ ...tuple("user:anne", "can_view", "doc:1"), expectation: true }]);
  });
  await show("assertions", () => client.readAssertions());
  await show("delete", async () => (await client.deleteTuples(tuples.slice(0, 1))).deletes);
  await show("delete again", () => client.deleteTuples(tuples.slice(0, 1)));
  await show("changes", () => client.readChanges({ type: "doc" }, { pageSize: 50 }));
  await show("delete store", async () => { await client.deleteStore(); });
  await show("gone", () => client.getStore());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
