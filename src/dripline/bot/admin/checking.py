"""What is wrong with a draft, in words for somebody who sees no files."""

import re
from collections.abc import Iterable

from dripline.bot.admin.desk import shown
from dripline.bot.admin.linter_words import in_language
from dripline.content.check_documents import Checked
from dripline.content.problems import Problem
from dripline.content.telegram_html import escape
from dripline.texts import gettext as _

_NAME = re.compile(r"variable ([\w.-]+);")
_MEANT = re.compile(r"Did you mean ([\w.]+)\?")
_NO_BUTTON = re.compile(r"No button carries ([^,:]+)")


def new_errors(before: Checked, after: Checked) -> list[Problem]:
    """Return the errors that an edit has brought."""
    known = {(one.file, one.code, one.message) for one in before.errors}
    return [one for one in after.errors if (one.file, one.code, one.message) not in known]


def told(problems: Iterable[Problem], language: str | None) -> str:
    """Return problems as a list, HTML; the first five."""
    lines = list(dict.fromkeys(_sentence(one, language) for one in problems))
    more = len(lines) - 5
    listed = [f"• {line}" for line in lines[:5]]
    return "\n".join([*listed, *([f"… +{more}"] if more > 0 else [])])


def _sentence(problem: Problem, language: str | None) -> str:
    message = problem.message
    match problem.code:
        case "unknown-variable" if name := _NAME.search(message):
            text = _("I do not know {name}.", language, name=f"<code>{escape(name[1])}</code>")
            meant = _MEANT.search(message)
            if meant:
                variable = f"<code>{{{{ {escape(meant[1])} }}}}</code>"
                hint = _("Did you mean {variable}?", language, variable=variable)
            else:
                hint = _(
                    "You can use {some} and others; /help lists them.",
                    language,
                    some="<code>{{ user.first_name }}</code>",
                )
            return f"{text} {hint}"
        case "unreachable" if button := _NO_BUTTON.search(message):
            return _(
                "The message after it waits for the button {button}, and no message has it: nobody "
                "would get any further. Keep that button, or change the next message's time.",
                language,
                button=shown(button[1]),
            )
        case "link":
            link = shown(message.partition(" is no link")[0], 200)
            return _(
                "“{link}” is no link a button may have. It begins with https:// or tg://.",
                language,
                link=link,
            )
        case "unknown-scenario":
            target = shown(
                message.removeprefix("There is no scenario ").partition(";")[0].strip(".")
            )
            return _("There is no scenario “{id}”; /scenarios lists them.", language, id=target)
        case "callback":
            return _("What a button sends has at most 64 bytes; take a shorter word.", language)
        case "empty":
            return _("A message needs a text or a file.", language)
        case _:
            return escape(in_language(message, language))
