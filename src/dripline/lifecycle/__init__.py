"""States, referrals, standing and decay: how far a contact has come, by what they did.

rules.py      what `lifecycle.json` says, as values    document.py  from its JSON; check.py lints it
move.py       from state to state, each an event       reactions.py what happens brings
links.py      personal codes and links                 invite.py    a link was followed
verify.py     does a referral count                    evidence.py  what speaks against it
review.py     the operator's word on flagged ones      duty.py      what only time brings
menus.py      menus as data; the bot draws them        send.py      what this room itself sends
"""
