-- Whether a source's rules added the tuple, and nobody has written it by hand since: only then may the source take it away.
ALTER TABLE tuples ADD COLUMN by_source BIGINT NOT NULL DEFAULT 0;

-- Who added what was not kept so far: what a document's rules say is its source's.
UPDATE tuples SET by_source = 1 WHERE change IN (
    SELECT t.change
      FROM documents d
      JOIN collections c ON c.id = d.collection
     CROSS JOIN LATERAL json_array_elements(d.source_tuples::json) AS s (value)
      JOIN tuples t ON t.store = c.settings::json ->> 'store'
                   AND t.object_type = split_part(s.value ->> 'object', ':', 1)
                   AND t.object_id = substr(s.value ->> 'object', strpos(s.value ->> 'object', ':') + 1)
                   AND t.relation = s.value ->> 'relation'
                   AND t.subject = s.value ->> 'user');

-- Grants by hand on what was deleted. They hold again when somebody writes them again.
CREATE TABLE held_tuples (
    change            BIGINT PRIMARY KEY,
    store             TEXT COLLATE "C" NOT NULL,
    object_type       TEXT COLLATE "C" NOT NULL,
    object_id         TEXT COLLATE "C" NOT NULL,
    relation          TEXT COLLATE "C" NOT NULL,
    subject           TEXT COLLATE "C" NOT NULL,
    condition_name    TEXT COLLATE "C",
    condition_context TEXT COLLATE "C",
    written_at        TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX held_tuples_key ON held_tuples (store, object_type, object_id, relation, subject);
CREATE INDEX held_tuples_store ON held_tuples (store, change);

-- Whether another collection of the store held a document of this id when this one came: its object is one of its own.
ALTER TABLE documents ADD COLUMN apart BIGINT NOT NULL DEFAULT 0;
-- The same of the ids that a collection ever held: an id keeps its object, however often it goes and comes.
ALTER TABLE document_versions ADD COLUMN apart BIGINT NOT NULL DEFAULT 0;
