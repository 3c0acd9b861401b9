"""Who looks at the dashboard: a key in a header, or a signed cookie made from one.

The cookie holds the key's id, not the key. No script reads it, it goes to no other site, and it is
worth nothing once the key is revoked or changed.
"""

from typing import Final

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.exceptions import HTTPException

from dripline.api.auth import Principal, key_of
from dripline.api.backend import Backend
from dripline.api.throttle import source_of

COOKIE: Final = "dripline_dashboard"
PATH: Final = "/admin/dashboard"
_LASTS_S: Final = 12 * 3600


async def visitor(request: Request, backend: Backend) -> Principal | None:
    """Return who looks, or None. Raises HTTPException 429 after too many wrong keys."""
    if key_of(request):
        return await backend.auth.holder(key_of(request), source_of(request))
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        return None
    try:
        held = _signer(backend).loads(cookie, max_age=_LASTS_S)
    except BadSignature:
        return None
    return await backend.auth.of_id(held) if isinstance(held, str) else None


def let_in(request: Request, response: Response, backend: Backend, who: Principal) -> None:
    """Give a browser the cookie."""
    response.set_cookie(
        COOKIE,
        _signer(backend).dumps(who.id),
        max_age=_LASTS_S,
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def let_out(response: Response) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")


def expect_own_form(request: Request) -> None:
    """Raise HTTPException 403 for a form that another site has sent."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403, "This form was sent from another site.")


def _signer(backend: Backend) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(backend.settings.signing_key, salt="dashboard")
