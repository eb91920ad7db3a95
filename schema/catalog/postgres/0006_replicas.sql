-- What each commit changed, for the other processes of a shared catalog; old rows are trimmed. `origin` names the attempt:
-- a process that lost the reply to its commit finds it here, or not.
CREATE TABLE commits (
    revision     BIGINT PRIMARY KEY,
    origin       BYTEA NOT NULL,
    committed_at TEXT COLLATE "C" NOT NULL,
    changes      TEXT COLLATE "C" NOT NULL
);

-- Work that one process does for all of them. Times are milliseconds since 1970 by the database's clock.
CREATE TABLE leases (
    name       TEXT COLLATE "C" PRIMARY KEY,
    owner      BYTEA NOT NULL,
    until_ms   BIGINT NOT NULL,
    -- Up to when the work is known to be complete, if it says so.
    done_at_ms BIGINT
);
