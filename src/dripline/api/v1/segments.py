"""Segments: whom some conditions mean."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from dripline.api.guarded import GuardedRoute, Here, Now, Session, looks
from dripline.api.v1.contacts import Contact, shown
from dripline.api.v1.shapes import ERRORS, Given, Told
from dripline.contacts import queries as contacts
from dripline.contacts import segment_words, segments
from dripline.contacts.models import Contact as Row

routes = APIRouter(
    prefix="/api/v1/segments",
    tags=["segments"],
    route_class=GuardedRoute,
    responses=ERRORS,
)
_EXAMPLE = ["has_not_paid", {"tag": "warm"}]


class Asked(Given):
    """Conditions, joined by *and*; the language is that of broadcasts and messages."""

    conditions: Annotated[list[Any], Field(max_length=100, examples=[_EXAMPLE])]


class Sampled(Asked):
    """Conditions, and how many to see."""

    limit: Annotated[int, Field(ge=1, le=100)] = 10


class Count(Told):
    """How many there are."""

    count: int = Field(examples=[412])
    of: int = Field(description="Of how many contacts.", examples=[1350])


class Valid(Told):
    """The conditions can be read."""

    valid: bool = True


class Word(Told):
    """A word of the language."""

    word: str = Field(examples=["has_not_paid"])
    meaning: str = Field(examples=["has never paid for anything"])
    example: str = Field(examples=['"has_not_paid"'])


@routes.get("/words", summary="The words that conditions are made of")
async def words() -> list[Word]:
    """Return every word that the rooms of this installation know."""
    found = [segment_words.word(name) for name in sorted(segment_words.words())]
    return [
        Word(word=one.name, meaning=one.about, example=one.example)
        for one in found
        if one is not None
    ]


@routes.post("/validate", summary="Check conditions")
@looks
async def validate(body: Asked) -> Valid:
    """Return whether conditions can be read; 422 INVALID_SEGMENT says what is wrong and where."""
    segments.parse(body.conditions)
    return Valid()


@routes.post("/count", summary="Count whom conditions mean")
@looks
async def count(body: Asked, session: Session, here: Here, now: Now) -> Count:
    """Count exactly, in one statement."""
    segment = segments.parse(body.conditions, await _names(session, here))
    return Count(
        count=await segments.count(session, segment, now), of=await contacts.count(session)
    )


@routes.post("/sample", summary="See some of whom conditions mean")
@looks
async def sample(body: Sampled, session: Session, here: Here, now: Now) -> list[Contact]:
    """Return some contacts of a segment."""
    segment = segments.parse(body.conditions, await _names(session, here))
    ids = await segments.page(session, segment, now, None, body.limit)
    rows = [await contacts.contact(session, one) for one in ids]
    return await shown(session, [row for row in rows if isinstance(row, Row)])


async def _names(session: Session, here: Here) -> segments.Names:
    return segments.Names(rooms=(await here.store.current(session)).rooms)
