"""The admin API, `/admin/api`, and a plain dashboard with the numbers."""

from fastapi import APIRouter

from dripline.api.admin import dashboard, mail, numbers, nurture


def routers() -> list[APIRouter]:
    """Return the routers of the admin API and of the dashboard."""
    return [numbers.routes, nurture.routes, mail.routes, dashboard.routes]
