-- Canonical text in parts, so that a passage of a long document is read without the rest of it. 32,768 bytes per part;
-- the last one is shorter, and an empty text has none.
CREATE TABLE text_parts (
    collection BIGINT NOT NULL,
    document   BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    part       BIGINT NOT NULL,
    text       BYTEA NOT NULL,
    PRIMARY KEY (collection, document, part)
);

-- Each chunk with its text, in one row for each part that it lies in.
CREATE VIEW chunk_texts AS
SELECT c.collection, c.ordinal, c.document, c.version, c.start_byte, c.end_byte, c.heading_path, c.page, c.content_hash,
       t.part,
       substring(t.text FROM (greatest(c.start_byte - t.part * 32768, 0) + 1)::int
                        FOR (least(c.end_byte - t.part * 32768, 32768)
                             - greatest(c.start_byte - t.part * 32768, 0))::int) AS text
  FROM chunks c
  JOIN text_parts t ON t.collection = c.collection AND t.document = c.document AND t.version = c.version
                   AND t.part BETWEEN c.start_byte / 32768 AND (c.end_byte - 1) / 32768;
