"""Posts into channels, groups and topics on a schedule: the next of a list, again and again."""
