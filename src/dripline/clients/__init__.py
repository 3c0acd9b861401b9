"""Speakers of other services' protocols; they know no table and no scenario."""
