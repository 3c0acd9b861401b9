"""dripline: the self-hosted engine for funnels through a Telegram bot and email."""

__version__ = "0.1.0"
