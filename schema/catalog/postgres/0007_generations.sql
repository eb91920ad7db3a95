-- A collection can be indexed anew beside itself: the vectors of its odd generations lie here, those of the even ones in
-- `vector`, so that the old and the new ones have a place at the same time.
ALTER TABLE chunks ADD COLUMN vector_odd BYTEA;
