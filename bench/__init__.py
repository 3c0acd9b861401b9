"""Benchmarks: the product as it is installed, against peers in the same run. See `__main__.py`."""
