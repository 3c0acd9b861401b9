"""One file a step, named by its number; the file's name is the revision's id."""
