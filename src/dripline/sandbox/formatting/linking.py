"""A link in a formatted text: an entity, or nothing when it is no link at all."""

from __future__ import annotations

from dripline.sandbox.formatting.entities import Entity, entity
from dripline.sandbox.formatting.links import BadUrl, checked_link, linked_user


def link_entity(url: str, offset: int, length: int) -> list[Entity]:
    """The entity for a link: none when the url is not one, as Telegram silently does."""
    if user_id := linked_user(url):
        return [entity("text_mention", offset, length, user={"id": user_id})]
    try:
        return [entity("text_link", offset, length, url=checked_link(url))]
    except BadUrl:
        return []
