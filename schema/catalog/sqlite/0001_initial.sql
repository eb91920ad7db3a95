-- The source of truth. Indexes, graph and snapshot are derived from it and can be rebuilt.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE stores (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE models (
    store      TEXT NOT NULL,
    id         TEXT NOT NULL,
    body       TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    PRIMARY KEY (store, id)
) WITHOUT ROWID;

-- One row per live tuple; `change` is its position in tuple_changes.
CREATE TABLE tuples (
    change            BIGINT PRIMARY KEY,
    store             TEXT NOT NULL,
    object_type       TEXT NOT NULL,
    object_id         TEXT NOT NULL,
    relation          TEXT NOT NULL,
    subject           TEXT NOT NULL,
    condition_name    TEXT,
    condition_context TEXT,
    written_at        TEXT NOT NULL
);
CREATE UNIQUE INDEX tuples_key ON tuples (store, object_type, object_id, relation, subject);
CREATE INDEX tuples_subject ON tuples (store, subject);

CREATE TABLE tuple_changes (
    change            INTEGER PRIMARY KEY AUTOINCREMENT,
    revision          BIGINT NOT NULL,
    store             TEXT NOT NULL,
    operation         TEXT NOT NULL,
    object_type       TEXT NOT NULL,
    object_id         TEXT NOT NULL,
    relation          TEXT NOT NULL,
    subject           TEXT NOT NULL,
    condition_name    TEXT,
    condition_context TEXT,
    changed_at        TEXT NOT NULL
);
CREATE INDEX tuple_changes_store ON tuple_changes (store, change);

CREATE TABLE collections (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    settings   TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- `ordinal` is dense within a collection and never given twice.
CREATE TABLE documents (
    collection     BIGINT NOT NULL,
    ordinal        BIGINT NOT NULL,
    id             TEXT NOT NULL,
    source         TEXT NOT NULL,
    version        BIGINT NOT NULL,
    title          TEXT NOT NULL,
    url            TEXT,
    media_type     TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    content_digest TEXT NOT NULL,
    acl_digest     TEXT NOT NULL,
    source_hash    TEXT,
    source_version BIGINT,
    first_chunk    BIGINT NOT NULL,
    chunk_count    BIGINT NOT NULL,
    sections       TEXT NOT NULL,
    -- The rules as they were last sent, for document and sections.
    rules          TEXT NOT NULL,
    -- Tuples as the source's rules last gave them: the middle of the three-way difference.
    source_tuples  TEXT NOT NULL,
    parked         BIGINT NOT NULL,
    expires_at     TEXT,
    updated_at     TEXT NOT NULL,
    PRIMARY KEY (collection, ordinal)
);
CREATE UNIQUE INDEX documents_id ON documents (collection, id);
CREATE INDEX documents_source ON documents (collection, source, id);

-- A document id created again continues its version numbers, so that no chunk key is ever used for two texts.
CREATE TABLE document_versions (
    collection BIGINT NOT NULL,
    id         TEXT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;

-- Canonical text, bytes, of the current version.
CREATE TABLE texts (
    collection BIGINT NOT NULL,
    document   BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    text       BLOB NOT NULL,
    PRIMARY KEY (collection, document)
);

CREATE TABLE chunks (
    collection   BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    document     BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    start_byte   BIGINT NOT NULL,
    end_byte     BIGINT NOT NULL,
    heading_path TEXT NOT NULL,
    page         BIGINT,
    content_hash BLOB NOT NULL,
    -- The public name of the chunk: a keyed hash, never used for two texts.
    chunk_key    BLOB NOT NULL,
    PRIMARY KEY (collection, ordinal)
) WITHOUT ROWID;
CREATE UNIQUE INDEX chunks_key ON chunks (chunk_key);

-- The ordered log that derived indexes apply. `first_chunk .. first_chunk + chunk_count` of one collection.
CREATE TABLE operations (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    BIGINT NOT NULL,
    collection  BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    first_chunk BIGINT NOT NULL,
    chunk_count BIGINT NOT NULL
);
CREATE INDEX operations_collection ON operations (collection, sequence);

CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL,
    settings   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
) WITHOUT ROWID;
