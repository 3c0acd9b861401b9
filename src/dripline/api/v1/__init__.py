"""The API of nouns, `/api/v1`: a file a noun; `routers` lists them."""

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Return the routers of every noun."""
    return []
