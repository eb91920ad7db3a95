-- Lists of tuples and of their changes walk along an index in the order of the log, page by page, without sorting.
CREATE INDEX tuples_walk ON tuples (store, change);
CREATE INDEX tuples_type_walk ON tuples (store, object_type, change);
CREATE INDEX tuples_object_walk ON tuples (store, object_type, object_id, change);
CREATE INDEX tuples_subject_walk ON tuples (store, subject, change);
DROP INDEX tuples_subject;
CREATE INDEX tuple_changes_type ON tuple_changes (store, object_type, change);
