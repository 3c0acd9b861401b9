"""The one place that builds objects from settings and joins rooms that must not know each other.

engine.py    database, content, dispatcher, duties     serve.py     run, web, worker, bot
demo.py      the sandbox around an engine              simulate.py  a scenario on a virtual clock
"""

from dripline.wiring.models import import_models

__all__ = ["import_models"]
