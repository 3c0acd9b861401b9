"""What the linter and the language of segments say, in an operator's language.

Both speak English, to whoever edits files. The sentences that can come up in a chat are listed
here as they are made; a test makes each of them and looks that it is found.
"""

import re
from functools import cache
from typing import Final

from dripline.texts import gettext as _
from dripline.texts import marked

SENTENCES: Final = (
    # of texts
    marked("U+{code} cannot be sent; delete this invisible character."),
    marked("This <a href=… has no closing quote."),
    marked("<{tag}> is never closed; add </{same}>."),
    marked("Telegram has no <{tag}>: {hint}."),
    marked("</{tag}> closes a <{same}>; close <{inner}> first."),
    marked("</{tag}> closes a <{same}>, but none is open."),
    marked("A <{tag}> cannot stand inside another <{same}>."),
    marked('Telegram only has <span class="tg-spoiler">.'),
    marked("<tg-emoji> needs a numeric emoji-id."),
    marked("Write > after the link's address."),
    marked(
        "{link} is no link that may be sent: use https://…, http://…, tg://…, mailto:… or tel:…."
    ),
    marked(
        "A tag is opened or closed {where} and not both: whichever branch is taken, the text must "
        "be whole."
    ),
    marked("A template has at most {most} characters."),
    marked("A template has at most {most} Liquid marks."),
    marked("Liquid: this expression is nested too deeply."),
    marked("Liquid: there is no filter {name}."),
    marked("Liquid: a mark is never closed: write {end} after it."),
    marked("Liquid: a block is never closed: write {end} after it."),
    marked("Liquid: there is nothing that this {end} could close."),
    marked("Liquid: there is no tag {tag}."),
    marked(
        "Liquid: something is missing between the marks; write for example {{ user.first_name }}."
    ),
    marked("Liquid: the name of a filter is missing after |."),
    marked("Liquid: to compare, write == and not =."),
    marked(
        "Liquid: there is more than one thing between the marks; write for example "
        "{{ user.first_name }}."
    ),
    marked("Liquid: a quotation mark is never closed."),
    marked("Liquid: {words}."),
    marked("Rendered with empty values, {reason}."),
    marked(
        "{name} is only there when whoever starts the scenario gives it; add a default, such as "
        "{example}."
    ),
    # of buttons and files
    marked("There is no button set {name}; did you mean {near}?"),
    marked("There is no button set {name} in buttons/registry.json."),
    marked("A row has at most {most} buttons."),
    marked("A message has at most {most} buttons."),
    marked("go: is our own; use a button of type start_scenario."),
    marked("An album has at most {most} files."),
    marked("A {kind} is sent alone; name one file."),
    # of any field
    marked("“{key}” is missing here."),
    marked("“{key}” must not be empty."),
    marked("“{key}” has at most {most} characters."),
    marked("“{key}” must be a whole number from {least} to {most}."),
    # of segments
    marked("There is no {what} “{name}”; did you mean {near}?"),
    marked("There is no {what} “{name}”; there are {list}."),
    marked("There is no {what} “{name}”."),
    marked("This must be {kind}, not “{value}”."),
    marked("This must be a duration such as {example}."),
    marked("This must be a date such as 2026-01-31, or 2026-01-31T09:00:00Z."),
    marked("A text here has 1 to {most} characters."),
    marked("This list is empty."),
    marked("A list here has at most {most} members."),
    marked("This number is too big."),
    marked("Say when, such as {example}; there are within, longer_ago, before and after."),
    marked("Say how many, such as {example}."),
    marked("Say what {name} has to be: {wanted}."),
    marked("{name} needs to be told more, such as {example}."),
    marked("{name} stands alone: write “{same}”, not an object."),
    marked("A condition is a word, an object or a list of conditions."),
    marked("A segment has at most {most} conditions."),
    marked("A segment is nested at most {most} deep."),
)


def in_language(sentence: str, language: str | None) -> str:
    """Return a sentence of the linter in a language; one that is not listed, as it is."""
    for known in SENTENCES:
        found = _pattern(known).fullmatch(sentence)
        if found is not None:
            return _(known, language, **found.groupdict())
    return sentence


@cache
def _pattern(known: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", known)
    literal = [re.escape(one) for one in parts[::2]]
    named = [f"(?P<{one}>.*?)" for one in parts[1::2]]
    return re.compile("".join(a + b for a, b in zip(literal, [*named, ""], strict=True)), re.DOTALL)
