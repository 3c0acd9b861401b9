"""Fixtures of tests that come from outside."""

from sandbox_browser import browser

__all__ = ["browser"]
