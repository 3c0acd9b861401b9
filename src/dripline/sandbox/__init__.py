"""A local stand-in for Telegram: its Bot API over HTTP, and a page with the chats.

`world/` is what exists (people, chats, messages, bots), `botapi/` is how bots talk to it,
`page/` is how people do. Nothing here knows the engine: what it needs to know of it comes through
the two protocols in `ports.py`.
"""
