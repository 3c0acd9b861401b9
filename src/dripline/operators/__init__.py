"""Who runs the installation: admins by their Telegram ids, and what they have half done."""
