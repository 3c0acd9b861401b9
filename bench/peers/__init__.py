"""How others do it, each a script of its own that prints one line of JSON."""
