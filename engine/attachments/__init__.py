"""Files people hand in: a content-addressed store and who may read it."""
