-- A chunk's vector, 32-bit floats, little-endian, where other processes or another engine index it; absent where it lies
-- in this process's own segment files.
ALTER TABLE chunks ADD COLUMN vector BYTEA;
