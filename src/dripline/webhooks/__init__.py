"""Outbound webhooks, and the signature that webhooks of either direction carry."""
