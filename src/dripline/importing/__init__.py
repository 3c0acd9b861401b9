"""What others have, made ours, and back: an old bot's folder, users.json, CSV.

`legacy_flow`, `legacy_people`, `users_json` and `place` are pure: values in, values out. `source`
reads files, `write` stores people, `legacy`, `users` and `table` put these together.
"""
