"""What the methods of the Bot API work on."""

from __future__ import annotations

from dataclasses import dataclass, field

from dripline.sandbox.botapi.faults import Faults
from dripline.sandbox.botapi.limits import Limits
from dripline.sandbox.botapi.webhooks import Webhooks
from dripline.sandbox.world.telegram import Telegram


@dataclass
class Api:
    """The sandbox's Telegram, and how strict it is."""

    telegram: Telegram
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    webhooks: Webhooks = field(default_factory=Webhooks)
