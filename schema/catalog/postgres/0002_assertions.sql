-- Questions with expected answers that OpenFGA's tools keep beside a model: a JSON list, never run here.
CREATE TABLE assertions (
    store TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    body  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (store, model)
);
