"""Updates from Telegram: fetched or delivered, stored raw, then drained in order.

polling.py ─┐
            ├─▶ inbox (raw, once) ─▶ drain.py ─▶ updates.read ─▶ handle/…
webhook.py ─┘
"""
