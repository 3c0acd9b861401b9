"""One message to many: drafted, planned, tested, launched page by page, paused, cancelled."""
