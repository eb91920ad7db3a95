-- Where the log of tuples stood when the collection first stored the id: what is older was written for no document of it.
ALTER TABLE document_versions ADD COLUMN since_change BIGINT;
