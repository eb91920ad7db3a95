-- Whether a source's rules added the tuple, and nobody has written it by hand since: only then may the source take it away.
ALTER TABLE tuples ADD COLUMN by_source BIGINT NOT NULL DEFAULT 0;

-- Who added what was not kept so far: what a document's rules say is its source's.
UPDATE tuples SET by_source = 1 WHERE change IN (
    SELECT t.change
      FROM documents d
      JOIN collections c ON c.id = d.collection
      JOIN json_each(d.source_tuples) s
      JOIN tuples t ON t.store = json_extract(c.settings, '$.store')
                   AND t.object_type = substr(json_extract(s.value, '$.object'), 1, instr(json_extract(s.value, '$.object'), ':') - 1)
                   AND t.object_id = substr(json_extract(s.value, '$.object'), instr(json_extract(s.value, '$.object'), ':') + 1)
                   AND t.relation = json_extract(s.value, '$.relation')
                   AND t.subject = json_extract(s.value, '$.user'));

-- Grants by hand on what was deleted. They hold again when somebody writes them again.
CREATE TABLE held_tuples (
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
CREATE UNIQUE INDEX held_tuples_key ON held_tuples (store, object_type, object_id, relation, subject);
CREATE INDEX held_tuples_store ON held_tuples (store, change);

-- Whether another collection of the store held a document of this id when this one came: its object is one of its own.
ALTER TABLE documents ADD COLUMN apart BIGINT NOT NULL DEFAULT 0;
-- The same of the ids that a collection ever held: an id keeps its object, however often it goes and comes.
ALTER TABLE document_versions ADD COLUMN apart BIGINT NOT NULL DEFAULT 0;
