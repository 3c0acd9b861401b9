"""To whom a broadcast goes, in words."""

from typing import Any

from dripline.bot.admin import catalog
from dripline.bot.admin.desk import shown
from dripline.bot.admin.document import broadcast_names
from dripline.contacts.segment_telling import Telling, lines
from dripline.content.edit import State


def told(targeting: list[Any], state: State, language: str | None) -> list[str]:
    """Return a segment in words, a line each, as HTML; none for everybody."""
    scenarios = {one: catalog.name_of(state, one) for one in catalog.ids_of(state)}
    telling = Telling(language, scenarios, broadcast_names(state))
    return [shown(line, 300) for line in lines(targeting, telling)]
