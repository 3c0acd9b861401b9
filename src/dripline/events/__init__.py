"""What happened to contacts: appended once, never changed, reacted to by a duty.

append ──▶ events, and one outbox row per consumer ──▶ react ──▶ the consumer's handler
webhooks, updates ──▶ inbox (raw, deduplicated) ──▶ whoever drains that source
"""

from dripline.events.append import NewEvent, append, append_many, append_new
from dripline.events.subscriptions import Happened, subscribe

__all__ = ["Happened", "NewEvent", "append", "append_many", "append_new", "subscribe"]
