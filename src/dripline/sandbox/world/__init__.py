"""What exists in the sandbox: people, chats, messages, files, bots. No HTTP in here."""
