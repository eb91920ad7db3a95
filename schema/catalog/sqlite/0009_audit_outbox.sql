-- Records of changes on their way to the audit file of the process that made them: one row for each commit, as part of it,
-- removed once the file has them.
CREATE TABLE audit_outbox (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Names the data folder whose audit it is.
    folder    BLOB NOT NULL,
    -- Bytes of that file before the commit: what comes later may hold the records already.
    file_from BIGINT NOT NULL,
    -- Whole lines of JSON.
    records   TEXT NOT NULL
);
