"""Text as Telegram takes it: HTML, Markdown and MarkdownV2 into words and entities, strictly.

Behaviour and error texts follow Telegram's open client library (tdlib/td, MessageEntity.cpp), which
the real Bot API server runs on. All offsets of entities are in UTF-16 units, all offsets in errors
in bytes of UTF-8, as there.
"""
