-- OpenFGA keeps its tuples in a database of its own.
CREATE DATABASE openfga;
