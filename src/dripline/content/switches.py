"""What an operator switches without editing: pause a scenario, let it go on, choose the default.

Pausing costs nothing: whoever is in the scenario is parked when their step comes due. Going on is
told by an event, and the scenarios room plans everyone again, spread out.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import edit, queries
from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.errors import SCENARIO_NOT_FOUND, NotFound

VIA_COMMAND = "command"


async def pause(session: AsyncSession, library: Library, scenario_id: str, now: datetime) -> bool:
    """Pause a scenario; return False when it was paused already.

    Raises NotFound (SCENARIO_NOT_FOUND).
    """
    if _known(library, scenario_id).paused:
        return False
    await queries.set_paused(session, scenario_id, now)
    await queries.bump(session)
    return True


async def go_on(session: AsyncSession, library: Library, scenario_id: str, now: datetime) -> bool:
    """Let a paused scenario go on; return False when it was not paused.

    Raises NotFound (SCENARIO_NOT_FOUND).
    """
    if not _known(library, scenario_id).paused:
        return False
    await queries.set_paused(session, scenario_id, None)
    await queries.bump(session)
    await edit.tell_changed(session, [scenario_id], now)
    return True


async def choose_default(
    session: AsyncSession, library: Library, scenario_id: str, *, author: str, now: datetime
) -> None:
    """Make a scenario the one that a bare `/start` enters. Raises NotFound (SCENARIO_NOT_FOUND).

    The registry of the content says so from then on: a pull brings it into the folder, and a push
    from a folder that says otherwise is refused.
    """
    _known(library, scenario_id)
    await edit.set_default(session, scenario_id, author, VIA_COMMAND, now)


def _known(library: Library, scenario_id: str) -> Scenario:
    scenario = library.scenario(scenario_id)
    if scenario is None:
        names = ", ".join(sorted(library.scenarios)) or "none"
        raise NotFound(
            f"There is no scenario “{scenario_id}”. There are: {names}.", code=SCENARIO_NOT_FOUND
        )
    return scenario
