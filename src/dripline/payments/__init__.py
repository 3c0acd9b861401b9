"""Who has paid for what: stored once, told by an event, told to the operator when unclaimed."""
