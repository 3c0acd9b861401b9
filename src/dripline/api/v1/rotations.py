"""Rotations: write one, start, stop, run now, skip; what was posted where."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.guarded import GuardedRoute, Here, Now, Session, Who
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Given, Id, Moment, Slug, Told
from dripline.content import edit as contents
from dripline.content import queries as content_queries
from dripline.content.save import INVALID_CONTENT
from dripline.errors import Invalid, NotFound
from dripline.rotations import edit, queries
from dripline.rotations.control import ROTATION_NOT_FOUND, Status

routes = APIRouter(
    prefix="/api/v1/rotations", tags=["rotations"], route_class=GuardedRoute, responses=ERRORS
)


class Chat(Told):
    """A chat that is posted into."""

    chat: str = Field(examples=["-1001234567890"])
    topic: int = Field(examples=[0])
    language: str = Field(examples=["en"])
    trouble: str | None = Field(description="Why nothing can be posted there now.")


class Rotation(Told):
    """A rotation as it stands."""

    id: str = Field(examples=["promos"])
    name: str = Field(examples=["Promos"])
    bot: str = Field(examples=["main"])
    running: bool
    schedule: str = Field(examples=["every 4 hours"])
    next_at: Moment | None
    next_post: str | None = Field(examples=["promo_week"])
    last_post: str | None = Field(examples=["promo_jars"])
    posts: list[str] = Field(examples=[["promo_week", "promo_jars"]])
    chats: list[Chat]
    sent: int = Field(examples=[24])
    failed: int = Field(examples=[0])
    pending: int = Field(examples=[0])


class Post(Told):
    """One post into one chat, and what became of it."""

    id: Id
    number: int = Field(description="In tracked links and deep links.", examples=[17])
    post: str = Field(examples=["promo_week"])
    slot_at: Moment
    chat: str = Field(examples=["-1001234567890"])
    topic: int = Field(examples=[0])
    status: str = Field(examples=["sent"])
    message_ids: list[str] = Field(examples=[["4711"]])
    member_count: int | None = Field(examples=[1520])
    ended_at: Moment | None
    attempts: int = Field(examples=[1])
    failure: str | None


class Target(Given):
    """A chat, or a topic of a group."""

    chat: Annotated[str, Field(pattern=r"^(-\d{1,18}|@[A-Za-z]\w{3,31})$", examples=["@channel"])]
    topic: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    language: Annotated[str, Field(max_length=35)] = ""


def _chat(value: object) -> object:
    """Take an id or an @name for a chat without more, as content files do."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return {"chat": str(value)}
    return value


class NewPost(Given):
    """A post's message; without texts, one that is there already."""

    id: Annotated[Slug, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", examples=["promo_week"])]
    texts: dict[str, str] | None = Field(
        default=None, max_length=32, examples=[{"": "Seven days, one habit"}]
    )
    format: Literal["html", "markdown", "markdownv2"] = "html"
    inline_keyboard: dict[str, Any] | None = Field(default=None, examples=[None])


class Write(Given):
    """A rotation: what is posted, where and when."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Promos"])]
    bot: Annotated[str, Field(min_length=1, max_length=32)] = "main"
    chats: list[Annotated[Target, BeforeValidator(_chat)]] = Field(
        default=[],
        max_length=1000,
        description="Each an object; an id or an @name alone is taken as well.",
    )
    interval_hours: Annotated[float | None, Field(ge=1 / 3600, le=8784, examples=[4])] = None
    cron: Annotated[str | None, Field(max_length=200, examples=[None])] = None
    timezone: Annotated[str | None, Field(max_length=64, examples=[None])] = None
    posts: list[NewPost] = Field(min_length=1, max_length=500)
    is_active: bool = True


class Ran(Told):
    """Which post goes out now, or was passed over."""

    post: str = Field(examples=["promo_week"])
    rotation: Rotation


@routes.get("", summary="List rotations")
async def list_rotations(session: Session, here: Here) -> list[Rotation]:
    """Return every rotation as it stands: the content's, and those the environment names."""
    library = await here.store.current(session)
    return [await _shown(session, one) for one in await here.rotations.all(session, library)]


@routes.get("/{rotation}", summary="Get a rotation")
async def get(rotation: Slug, session: Session, here: Here) -> Rotation:
    """Return how a rotation stands, with its next run."""
    return await _told(session, here, rotation)


@routes.put("/{rotation}", summary="Write a rotation")
async def put(
    rotation: Slug, body: Write, session: Session, here: Here, who: Who, now: Now
) -> Rotation:
    """Write a rotation into the content, or change it. 422 with the linter's problems."""
    await content_queries.lock(session)
    state = await contents.read_state(session)
    posts = {
        one.id: one.model_dump(exclude={"id"}, exclude_none=True)
        for one in body.posts
        if one.texts is not None
    }
    document, problems = edit.written(state, _spec(rotation, body), posts)
    errors = [str(one) for one in problems if one.severity == "error"]
    if errors:
        raise Invalid(
            f"The rotation cannot be saved: {errors[0]}", code=INVALID_CONTENT, problems=errors
        )
    await edit.save(session, state, document, who.name[:80], "api", now)
    return await _told(session, here, rotation)


@routes.delete("/{rotation}", summary="Take a rotation away", status_code=204)
async def delete(rotation: Slug, session: Session, who: Who, now: Now) -> None:
    """Take a rotation out of the content; what it posted stays on record."""
    await content_queries.lock(session)
    state = await contents.read_state(session)
    if not await edit.remove(session, state, rotation, who.name[:80], "api", now):
        raise NotFound(f"The content has no rotation {rotation}.", code=ROTATION_NOT_FOUND)


@routes.post("/{rotation}/start", summary="Start a rotation")
async def start(rotation: Slug, session: Session, here: Here, now: Now) -> Rotation:
    """Let it post from its next slot on."""
    library = await here.store.current(session)
    await here.rotations.start(session, library, rotation, now)
    return await _told(session, here, rotation)


@routes.post("/{rotation}/stop", summary="Stop a rotation")
async def stop(rotation: Slug, session: Session, here: Here, now: Now) -> Rotation:
    """Post nothing more until it is started; its place in the list is kept."""
    library = await here.store.current(session)
    await here.rotations.stop(session, library, rotation, now)
    return await _told(session, here, rotation)


@routes.post("/{rotation}/run", summary="Post the next message now")
async def run_now(rotation: Slug, session: Session, here: Here, who: Who, now: Now) -> Ran:
    """Post the next message at once; the schedule goes on as it was."""
    library = await here.store.current(session)
    post = await here.rotations.run_now(session, library, rotation, who.name, now)
    return Ran(post=post, rotation=await _told(session, here, rotation))


@routes.post("/{rotation}/skip", summary="Pass the next message over")
async def skip(rotation: Slug, session: Session, here: Here, now: Now) -> Ran:
    """Pass the next message over; the time of the next slot stays."""
    library = await here.store.current(session)
    post = await here.rotations.skip(session, library, rotation, now)
    return Ran(post=post, rotation=await _told(session, here, rotation))


@routes.get("/{rotation}/posts", summary="List posts")
async def posts(rotation: Slug, session: Session, pages: Pages) -> Page[Post]:
    """Return a rotation's posts, newest first."""
    behind = pages.behind_text
    before = _slot(behind) if behind is not None else None
    rows = await queries.posts_behind(session, rotation, pages.limit + 1, before)
    return pages.page(rows, _post, lambda one: f"{one.post.slot_at.isoformat()} {one.post.id.hex}")


def _slot(behind: str) -> tuple[datetime, uuid.UUID]:
    moment, _, post = behind.partition(" ")
    try:
        return datetime.fromisoformat(moment), uuid.UUID(hex=post)
    except ValueError:
        raise Invalid("This cursor is not one of ours.", code="INVALID_CURSOR") from None


def _spec(rotation: str, body: Write) -> dict[str, Any]:
    spec = body.model_dump(exclude_none=True, exclude={"posts", "chats"})
    chats = [
        one.model_dump(exclude_defaults=True) if one.topic or one.language else one.chat
        for one in body.chats
    ]
    return {"id": rotation, **spec, "chats": chats, "posts": [one.id for one in body.posts]}


async def _told(session: AsyncSession, here: Here, rotation: str) -> Rotation:
    library = await here.store.current(session)
    return await _shown(session, await here.rotations.status(session, library, rotation))


async def _shown(session: AsyncSession, status: Status) -> Rotation:
    own = status.rotation
    keys = [(chat.value, chat.topic) for chat in own.chats]
    known = await queries.chats_of(session, own.bot, keys) if keys else {}
    return Rotation(
        id=own.id,
        name=own.name,
        bot=own.bot,
        running=status.running,
        schedule=own.schedule.words,
        next_at=status.next_at,
        next_post=status.next_message_id,
        last_post=status.last_message_id,
        posts=[message.id for message in own.messages],
        chats=[
            Chat(
                chat=chat.value,
                topic=chat.topic,
                language=chat.language,
                trouble=row.trouble if (row := known.get((chat.value, chat.topic))) else None,
            )
            for chat in own.chats
        ],
        sent=status.sent,
        failed=status.failed,
        pending=status.pending,
    )


def _post(place: queries.Place) -> Post:
    post, chat = place
    return Post(
        id=post.id,
        number=post.post_id,
        post=post.message_id,
        slot_at=post.slot_at,
        chat=chat.value,
        topic=chat.topic,
        status=post.status,
        message_ids=post.telegram_ids.split(",") if post.telegram_ids else [],
        member_count=post.member_count,
        ended_at=post.ended_at,
        attempts=post.attempts,
        failure=post.failure,
    )
