"""Which channel a message takes: a row for each rule."""

import uuid
from typing import Any

import pytest

from dripline.deliveries.choice import Way, Wishes, choose, home_first
from dripline.deliveries.protocols import AddressRef

CONTACT = uuid.uuid4()


def way(channel: str, reachability: str = "reachable", bot: str = "") -> Way:
    address = AddressRef(uuid.uuid4(), CONTACT, channel, bot, f"{channel}{bot}")
    return Way(address, reachability)


T, E = way("telegram"), way("email")
BLOCKED, BOUNCED = way("telegram", "blocked"), way("email", "bounced")


@pytest.mark.parametrize(
    ("ways", "given", "expected", "reason", "both"),
    [
        pytest.param([T, E], {}, ["telegram", "email"], "default", False, id="Telegram by default"),
        pytest.param([T], {}, ["telegram"], "default", False, id="the only one, and wanted"),
        pytest.param([T, E], {"asked": "email"}, ["email", "telegram"], "asked", False, id="asked"),
        pytest.param(
            [T, E],
            {"asked": "telegram", "wishes": Wishes("email")},
            ["telegram", "email"],
            "asked",
            False,
            id="what is asked goes before what is preferred",
        ),
        pytest.param(
            [T, E],
            {"wishes": Wishes("email", "telegram")},
            ["email", "telegram"],
            "preferred",
            False,
            id="what is preferred goes before what is learned",
        ),
        pytest.param(
            [T, E],
            {"wishes": Wishes(None, "email")},
            ["email", "telegram"],
            "engaged",
            False,
            id="the one they answer on",
        ),
        pytest.param(
            [T, E], {"asked": "both"}, ["telegram", "email"], "asked", True, id="on both channels"
        ),
        pytest.param(
            [BLOCKED, E], {"asked": "both"}, ["email"], "only", False, id="both, but one is blocked"
        ),
        pytest.param([BLOCKED, E], {}, ["email"], "only", False, id="Telegram is blocked"),
        pytest.param(
            [T, BOUNCED],
            {"wishes": Wishes("email")},
            ["telegram"],
            "only",
            False,
            id="the preferred address bounced",
        ),
        pytest.param(
            [T, E],
            {"asked": "email", "wishes": Wishes(opted_in=False)},
            [],
            "not_opted_in",
            False,
            id="nothing on any channel without consent, though asked",
        ),
        pytest.param([E], {}, ["email"], "only", False, id="only an email address"),
        pytest.param(
            [E],
            {"wishes": Wishes(opted_in=False)},
            [],
            "not_opted_in",
            False,
            id="only an email address, and no consent",
        ),
        pytest.param(
            [T, E],
            {"allowed": ["email"]},
            ["email"],
            "only",
            False,
            id="the scenario goes by email alone",
        ),
        pytest.param(
            [T, E], {"tried": ["telegram"]}, ["email"], "fallback", False, id="Telegram has failed"
        ),
        pytest.param(
            [T, E],
            {"asked": "both", "tried": ["telegram"]},
            ["email"],
            "fallback",
            False,
            id="of both, one has failed",
        ),
        pytest.param([BLOCKED, BOUNCED], {}, [], "blocked", False, id="nothing reaches"),
        pytest.param([], {}, [], "no_address", False, id="no address at all"),
        pytest.param(
            [T], {"allowed": ["email"]}, [], "no_address", False, id="none that may be used"
        ),
        pytest.param(
            [T, E],
            {"asked": "pigeon", "wishes": Wishes("smoke", "drums")},
            ["telegram", "email"],
            "default",
            False,
            id="channels nobody knows change nothing",
        ),
    ],
)
def test_the_channel_is_chosen(
    ways: list[Way], given: dict[str, Any], expected: list[str], reason: str, both: bool
) -> None:
    choice = choose(ways, **given)
    assert [address.channel for address in choice.ways] == expected
    assert (choice.reason, choice.both) == (reason, both)


def test_of_several_chats_the_one_it_was_entered_from_is_taken() -> None:
    main, guide = way("telegram", bot="main"), way("telegram", bot="guide")
    assert choose(home_first([main, guide], guide.address.id)).ways == (guide.address,)
    gone = Way(guide.address, "blocked")
    assert choose(home_first([main, gone], guide.address.id)).ways == (main.address,)
