-- Questions with expected answers that OpenFGA's tools keep beside a model: a JSON list, never run here.
CREATE TABLE assertions (
    store TEXT NOT NULL,
    model TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (store, model)
) WITHOUT ROWID;
