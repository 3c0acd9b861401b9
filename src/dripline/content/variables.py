"""What templates may ask for: each room registers what it can fill, the linter reads it.

`user.payment_link` is payments', `user.referral_link` lifecycle's; a variable that is registered
and that nobody fills is empty. `bot` holds the globals, `context` whatever an enrollment brought.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

OPEN_SCOPES: Final = frozenset({"context"})  # anything may be asked for
SCOPES: Final = ("bot", "scenario", "user", "context")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: what it says, for the reference and the linter's hints."""

    scope: str
    name: str
    about: str
    empty: Any = ""


_registry: dict[tuple[str, str], Variable] = {}


def register(scope: str, name: str, about: str, empty: Any = "") -> None:
    """Say that `scope.name` can be filled; `empty` stands for it while nobody has a value."""
    _registry[scope, name] = Variable(scope, name, about, empty)


def known(scope: str) -> Mapping[str, Variable]:
    """Return the registered variables of a scope by name."""
    return {variable.name: variable for variable in _registry.values() if variable.scope == scope}


def fallbacks(attributes: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Return what stands for a variable that nobody fills; `attributes` are declared defaults."""
    user = {name: variable.empty for name, variable in known("user").items()}
    return {"user": {**user, **(attributes or {})}}


for _name, _about in {
    "id": "the scenario's id",
    "name": "the scenario's name",
    "product_name": "what it sells",
    "product_price": "the price",
    "private_group_id": "the private group's id",
}.items():
    register("scenario", _name, _about)

for _name, _about in {
    "user_name": "user name on Telegram, or the first name",
    "first_name": "first name",
    "last_name": "last name",
    "language": "language, such as ru",
    "state": "lifecycle state, such as VISITOR",
    "reg_date": "day of registration, such as 2026-01-31",
    "email": "verified email address",
    "payment_link": "personal link to pay",
    "payment_date": "day of the payment",
    "invite_link": "personal link into the private group",
    "joined_date": "day of joining the private group",
    "referral_link": "personal link to invite others",
}.items():
    register("user", _name, _about)
register("user", "referral_count", "how many invited people have registered", 0)
register("user", "program_day", "day of the present program", 0)
