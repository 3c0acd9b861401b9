"""Keys of the API, and the audit log: for admins."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from dripline.api.auth import Role
from dripline.api.guarded import GuardedRoute, Now, Session, Who, needs, tells_a_secret
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Given, Id, Line, Moment, Told
from dripline.operators import key_queries
from dripline.operators import keys as api_keys

routes = APIRouter(route_class=GuardedRoute, responses=ERRORS)


class Key(Told):
    """A key; the key itself is shown once, when it is made."""

    id: Id
    prefix: str = Field(examples=["4f1d0c9a7b2e"])
    name: str = Field(examples=["CRM"])
    role: str = Field(examples=["editor"])
    created_at: Moment
    created_by: str = Field(examples=["ADMIN_API_KEY"])
    last_used_at: Moment | None
    revoked_at: Moment | None


class MadeKey(Key):
    """A key just made."""

    key: str = Field(examples=["drip_4f1d0c9a7b2e_PnVw0…"])


class NewKey(Given):
    """A key to make."""

    name: Annotated[Line, Field(max_length=120, examples=["CRM"])]
    role: Literal["viewer", "editor", "admin"] = "viewer"


class AuditLine(Told):
    """One change: who, what, when."""

    id: Id
    at: Moment
    actor: str = Field(examples=["CRM (4f1d0c9a7b2e)"])
    role: str = Field(examples=["editor"])
    action: str = Field(examples=["POST /api/v1/enrollments"])
    target: str = Field(examples=["/api/v1/enrollments"])
    request_id: str = Field(examples=["0199c3a47a107c529f0e3f6d0f6f7a01"])
    source: str = Field(examples=["203.0.113.7"])
    fields: list[str] = Field(examples=[["contact", "scenario"]])


@routes.get("/api/v1/keys", tags=["keys"], summary="List the keys")
@needs(Role.ADMIN)
async def list_keys(session: Session) -> list[Key]:
    """Return all keys, revoked ones too, oldest first."""
    return [Key.model_validate(row) for row in await key_queries.keys(session)]


@routes.post(
    "/api/v1/keys",
    tags=["keys"],
    summary="Create a key",
    status_code=201,
    dependencies=[tells_a_secret],
)
@needs(Role.ADMIN)
async def create_key(body: NewKey, session: Session, who: Who, now: Now) -> MadeKey:
    """Create a key; `key` is shown this one time only."""
    made = await api_keys.create(session, body.name, body.role, who.name, now)
    return MadeKey(**Key.model_validate(made.row).model_dump(), key=made.secret)


@routes.delete("/api/v1/keys/{key}", tags=["keys"], summary="Revoke a key")
@needs(Role.ADMIN)
async def revoke_key(key: str, session: Session, now: Now) -> Key:
    """Revoke a key by its prefix or id; it opens nothing from now on."""
    row = await api_keys.revoke(session, key, now)
    await session.refresh(row)
    return Key.model_validate(row)


@routes.get("/api/v1/audit", tags=["audit"], summary="Who changed what")
@needs(Role.ADMIN)
async def audit(
    session: Session,
    pages: Pages,
    actor: Annotated[str | None, Query(max_length=160, description="Only of this actor.")] = None,
    request_id: Annotated[
        str | None, Query(max_length=64, description="Only of this request.")
    ] = None,
) -> Page[AuditLine]:
    """Return every change made through the API or by keys' commands, newest first."""
    rows = await key_queries.audit_page(
        session, pages.behind, pages.limit + 1, actor=actor, request_id=request_id
    )
    return pages.page(rows, AuditLine.model_validate, lambda row: row.id)
