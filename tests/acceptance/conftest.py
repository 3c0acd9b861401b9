"""Fixtures of tests that come from outside."""

from demo_page import page
from sandbox_browser import browser

__all__ = ["browser", "page"]
