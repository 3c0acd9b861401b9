"""The API of nouns, `/api/v1`: a file a noun; `routers` lists them."""

from fastapi import APIRouter

from dripline.api.v1 import contacts, enrollments, events, keys


def routers() -> list[APIRouter]:
    """Return the routers of every noun."""
    return [contacts.routes, enrollments.routes, events.routes, keys.routes]
