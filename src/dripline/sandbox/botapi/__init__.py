"""How bots talk to the sandbox: Telegram's Bot API over HTTP.

Which answers, which errors and in which words follows the source of the real server
(tdlib/telegram-bot-api, Client.cpp, version 10.x).
"""
