"""The API of nouns, `/api/v1`: a file a noun; `routers` lists them."""

from fastapi import APIRouter

from dripline.api.v1 import (
    analytics,
    broadcasts,
    clicks,
    consent,
    contacts,
    deliveries,
    enrollments,
    events,
    experiments,
    keys,
    lifecycle,
    payments,
    referrals,
    reports,
    rotations,
    scenarios,
    segments,
    webhooks,
)

_NOUNS = (
    contacts,
    consent,
    segments,
    scenarios,
    enrollments,
    deliveries,
    broadcasts,
    events,
    payments,
    referrals,
    lifecycle,
    experiments,
    analytics,
    rotations,
    clicks,
    reports,
    webhooks,
    keys,
)


def routers() -> list[APIRouter]:
    """Return the routers of every noun."""
    return [noun.routes for noun in _NOUNS]
