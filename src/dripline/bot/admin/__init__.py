"""Admins in Telegram: lists, a wizard, a demo, a few switches.

gate.py ─┬─▶ catalog.py, changing.py, showing.py, statistics.py      commands and cards
         └─▶ wizard.py ─▶ asking.py (questions), answers.py (answers), saving.py (a revision)

A draft lives in the database; files and big counts are jobs of their own (jobs.py), since nothing
here speaks to the network.
"""
