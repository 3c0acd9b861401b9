"""Enrollments: who is in which scenario, how they got there, and what comes next.

enroll.py     enter a scenario           switch.py   the rules when one asks for another
decide.py     the fate of a message      advance.py  decide for a claimed batch, go on after it
reactions.py  actions, and who is back   pause.py    pause and resume a scenario
"""
