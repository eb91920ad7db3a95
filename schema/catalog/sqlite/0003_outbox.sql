-- Where an OpenFGA server owns the tuples: changes of a document's rules that it has not taken yet. Until then the
-- document is hidden (`documents.awaits_rules`).
CREATE TABLE outbox (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    revision   BIGINT NOT NULL,
    store      TEXT NOT NULL,
    collection BIGINT NOT NULL,
    document   TEXT NOT NULL,
    deletes    TEXT NOT NULL,
    writes     TEXT NOT NULL
);
CREATE INDEX outbox_document ON outbox (collection, document);

ALTER TABLE documents ADD COLUMN awaits_rules BIGINT NOT NULL DEFAULT 0;
