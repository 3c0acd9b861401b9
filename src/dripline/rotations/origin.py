"""Send what was queued for chats, and note how each post ended."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.content.compile import GO
from dripline.content.document import Message
from dripline.content.rendered import Button, Rendered
from dripline.content.store import ContentStore
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, Result, Source
from dripline.deliveries.track import tracked
from dripline.engagement import posts
from dripline.events import NewEvent, append
from dripline.rotations import queries
from dripline.rotations.document import Rotation
from dripline.rotations.models import FAILED, PENDING, SENT
from dripline.rotations.post import ORIGIN, TELEGRAM
from dripline.rotations.protocols import BotNames, PostLinks, Sources
from dripline.rotations.queries import Place

log = structlog.get_logger()
_NOBODY = uuid.UUID(int=0)
EVENT_TROUBLE = "rotation.chat_lost"
EVENT_BACK = "rotation.chat_back"


class RotationOrigin:
    """Posts into chats; nobody is addressed, so nothing of a contact is known."""

    def __init__(
        self,
        store: ContentStore,
        sources: Sources,
        links: PostLinks,
        names: BotNames,
        default_language: str,
    ) -> None:
        self._store = store
        self._sources = sources
        self._links = links
        self._names = names
        self._default_language = default_language

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return the posts that are to go out; one whose message is gone ends as failed."""
        rotations = self._sources.of(await self._store.current(session))
        places = await queries.places(session, {row.ref for row in claimed})
        ready = []
        for row in claimed:
            place = places.get(row.ref)
            if place is None or place.post.status != PENDING:
                continue
            rotation = rotations.get(place.post.rotation_id)
            message = _message(rotation, place.post.message_id)
            if rotation is None or message is None:
                gone = {"status": FAILED, "ended_at": now, "failure": "the message was taken away"}
                await queries.end_post(session, place.post.id, gone)
                continue
            username = await self._names(session, place.chat.bot)
            ready.append(self._ready(row, place, message, username))
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Note how each post ended; a chat that is lost, or found again, is told once."""
        places = await queries.places(session, {r.ready.claimed.ref for r in results})
        for result in results:
            place = places.get(result.ready.claimed.ref)
            if place is not None:
                await self._ended(session, place, result, now)

    def _ready(self, row: Claimed, place: Place, message: Message, username: str | None) -> Ready:
        post, chat = place
        # No contact stands behind a channel: the chat itself takes that place in the log.
        address = AddressRef(chat.id, chat.id, TELEGRAM, chat.bot, chat.moved_to or chat.value)
        language = post.language or self._default_language
        return Ready(
            row,
            chat.id,
            address,
            partial(self._render, message, language, post.post_id, chat.topic, username),
            Source(post.id, 1, None, post.message_id),
            {"reason": ORIGIN, "rotation": post.rotation_id, "post": post.post_id},
        )

    def _render(
        self, message: Message, language: str, post: int, topic: int, username: str | None
    ) -> Rendered:
        rendered = message.render({"user": {}, "context": {}}, language)
        place = count()
        rows = (
            tuple(
                shown
                for button in row
                if (shown := self._button(button, post, next(place), username)) is not None
            )
            for row in rendered.keyboard
        )
        keyboard = tuple(row for row in rows if row)
        shown_message = replace(rendered, keyboard=keyboard, topic=topic or None)
        # Whoever puts links of a person's message under way finds these done, and leaves them.
        return tracked(shown_message, _OfPost(self._links, post), _NOBODY, _NOBODY)

    def _button(self, button: Button, post: int, place: int, username: str | None) -> Button | None:
        """Return a button as it works in a channel: it says which post it stands in.

        A scenario is entered by a deep link; any other callback tells us who pressed it, and opens
        the bot for them.
        """
        if button.kind != "callback":
            return button
        code = self._links.code(post, place)
        if not button.value.startswith(GO):
            return Button("callback", button.text, code)
        if username is None:
            return None
        return Button("url", button.text, f"https://t.me/{username}?start={code}")

    async def _ended(
        self, session: AsyncSession, place: Place, result: Result, now: datetime
    ) -> None:
        sent = result.status == SENT
        await queries.end_post(
            session,
            place.post.id,
            {
                "status": SENT if sent else FAILED,
                "telegram_ids": ",".join(result.provider_ids) or None,
                "ended_at": result.at,
                "attempts": result.ready.claimed.attempt + 1,
                "failure": result.failure,
            },
        )
        if sent:
            await posts.posted(session, place.post.post_id, result.at, None)
        metrics.count_post(place.post.message_id, place.chat.value, sent=sent)
        trouble = result.failure if result.failure_code == "unreachable" else None
        if (sent or trouble) and await queries.set_trouble(session, place.chat.id, trouble, now):
            await _tell(session, place, trouble, now)


class _OfPost:
    """A tracker whose links say which post they stood in, not whose message."""

    def __init__(self, links: PostLinks, post: int) -> None:
        self._links = links
        self._post = post

    def link(
        self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None, url: str, label: str
    ) -> str:
        """Return the tracked form of a link."""
        return self._links.post_link(self._post, url, label)

    def pixel(self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> None:
        """Telegram loads no pixels."""

    def trap(self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> None:
        """Nor does it hide links."""

    async def keep(self) -> None:
        """What is too long is kept before the message goes out, with all others."""


def _message(rotation: Rotation | None, message_id: str) -> Message | None:
    if rotation is None:
        return None
    return next((one for one in rotation.messages if one.id == message_id), None)


async def _tell(session: AsyncSession, place: Place, trouble: str | None, now: datetime) -> None:
    name = EVENT_TROUBLE if trouble else EVENT_BACK
    log.warning(
        name, rotation=place.post.rotation_id, chat=place.chat.value, bot=place.chat.bot,
        reason=trouble or "",
    )  # fmt: skip
    data = {
        "rotation": place.post.rotation_id,
        "chat": place.chat.value,
        "title": place.chat.title,
        "bot": place.chat.bot,
        "reason": trouble,
    }
    event = NewEvent(name, None, "rotations", f"{place.post.id.hex}:{name}", now, data)
    await append(session, event)
