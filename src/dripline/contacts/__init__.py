"""Who they are: identity, addresses and whether they reach anybody, attributes and tags."""
