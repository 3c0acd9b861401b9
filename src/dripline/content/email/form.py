"""The email form of messages: what each contact gets, and what all of them share.

forms = EmailForms(layouts, "nurture_sequence", title="Seeing", …)
email = forms.email(text, context, language, buttons, media)     # a contact: values, subject
parts = email.assemble(urls)                                     # a delivery: its addresses
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any, Final

from dripline.content.choices import Scopes
from dripline.content.email.body import escaped, needs_escape, web_link
from dripline.content.email.layout import DEFAULT_LAYOUT, Layouts
from dripline.content.email.prepare import Prepared, Wanted, prepare
from dripline.content.liquid import Shape, Template
from dripline.content.rendered import Button, EmailParts, EmailUrls, Media
from dripline.content.slots import Pieces, filled, quoted, soft
from dripline.errors import Invalid, PermanentFailure

SUBJECT_CHARACTERS: Final = 255
_DEFAULT_SUBJECT: Final = 78
_HEADING: Final = re.compile(r"\s*(?:<(b|strong|h1|h2|h3)>(.+?)</\1>)\s*(?:\n|$|<)")
_TAG: Final = re.compile(r"<[^<>]*>")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# Fills the line that mail programs show behind a subject, so that none of the text follows it.
_FILLER: Final = "&#847;&zwnj;&nbsp;" * 60
_QUOTED_FILLER: Final = quoted(_FILLER)
_GO: Final = "go:"
_KEPT: Final = 24  # of one message: languages, and what its conditions make of it
_PAYLOAD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class EmailForms:
    """How a message goes by email; texts, subjects and preheaders by language.

    Without texts of its own it is made from the message's text, without a subject it is called
    after the text's heading, else `title`, else its first line.
    """

    layouts: Layouts
    layout: str = DEFAULT_LAYOUT
    title: str = ""
    payload: str = ""  # what a chat with the bot is started with, by buttons only a chat has
    texts: Mapping[str, Template] = field(default_factory=dict)
    subjects: Mapping[str, Template] = field(default_factory=dict)
    preheaders: Mapping[str, Template] = field(default_factory=dict)
    _prepared: OrderedDict[tuple[Wanted, str, str], Prepared] = field(
        default_factory=OrderedDict, repr=False, compare=False
    )

    @property
    def templates(self) -> tuple[Template, ...]:
        """Every template that is this email's own."""
        return (*self.texts.values(), *self.subjects.values(), *self.preheaders.values())

    def email(
        self,
        text: Template,
        context: Scopes,
        language: str,
        rows: Sequence[Sequence[Button]] = (),
        media: tuple[Media, ...] = (),
    ) -> "ContactEmail":
        """Return the email for a contact; `text` is the message's, where it has none of its own.

        Raises PermanentFailure (code `template`) when a template fails.
        """
        own = in_language(self.texts, language)
        shape = (own or text).shape(context)
        subject = in_language(self.subjects, language)
        preheader = in_language(self.preheaders, language)
        user = context.get("user", {})
        return ContactEmail(
            self,
            one_line(subject.render(context) if subject else "") or self._default(shape),
            one_line(preheader.render(context)) if preheader else "",
            shape,
            tuple(button for row in rows for button in row),
            media,
            language,
            str(user.get("user_name") or user.get("first_name") or ""),
        )

    def prepared(self, wanted: Wanted, language: str, bot: str | None) -> Prepared:
        """Return an email that lacks values only, from memory if there was one like it."""
        key = (wanted, language, bot or "")
        known = self._prepared.get(key)
        if known is None:
            try:
                layout = self.layouts.compiled(
                    self.layout, language, bot, has_pages=wanted.has_pages
                )
            except Invalid as error:
                reason = f"the layout {self.layout} failed: {error.message}"
                raise PermanentFailure(reason, code="template") from None
            known = self._prepared[key] = prepare(layout, wanted, language)
            while len(self._prepared) > _KEPT:
                self._prepared.popitem(last=False)
        return known

    def _default(self, shape: Shape) -> str:
        heading = _HEADING.match(shape.text)
        if heading:
            return default_subject(heading[2], shape.values)
        return one_line(self.title) or default_subject(shape.text.lstrip(), shape.values)


@dataclass(frozen=True, slots=True)
class ContactEmail:
    """An email for one contact."""

    forms: EmailForms
    subject: str
    preheader: str
    shape: Shape
    buttons: tuple[Button, ...]
    media: tuple[Media, ...]
    language: str
    user_name: str

    @property
    def text(self) -> str:
        """The text as it was written, with values."""
        return filled(
            self.shape.text, {f"v{n}": escaped(value) for n, value in enumerate(self.shape.values)}
        )

    def assemble(self, urls: EmailUrls) -> EmailParts:
        """Return the email with the addresses of a delivery.

        Raises PermanentFailure (code `template`) when its layout fails.
        """
        raw = {f"v{number}": value for number, value in enumerate(self.shape.values)}
        buttons = _leading(self.buttons, urls, self.forms.payload)
        wanted = Wanted(
            self.shape.text,
            len(buttons),
            self.media,
            urls.media is not None,
            bool(urls.unsubscribe),
        )
        prepared = self.forms.prepared(wanted, self.language, urls.bot)
        links = _links(prepared, raw)
        refused = frozenset(number for number, link in enumerate(links) if link is None)
        if refused:
            wanted = replace(wanted, refused=refused)
            prepared = self.forms.prepared(wanted, self.language, urls.bot)
        plain = raw | self._values(prepared, urls)
        for number, link in enumerate(links):
            if link is not None:
                plain[f"l{number}"] = _tracked(urls, *link)
        for number, (label, url) in enumerate(buttons):
            plain[f"t{number}"] = label
            plain[f"b{number}"] = url
        return _parts(self, prepared, plain, urls)

    def _values(self, prepared: Prepared, urls: EmailUrls) -> dict[str, str]:
        values = {
            "username": self.user_name,
            "subject": self.subject,
            "preheader": self.preheader,
            "unsubscribe": urls.unsubscribe,
            "preferences": urls.preferences,
            "pixel": urls.pixel or "",
        }
        for name, default in prepared.defaults:
            values[name] = self.user_name or default
        for number, one in enumerate(self.media):
            values[f"m{number}"] = urls.media(one) if urls.media else f"cid:{content_id(one)}"
        return values


def content_id(media: Media) -> str:
    """Return what an html calls a file that goes along (RFC 2392)."""
    return f"{media.sha256[:32]}@media"


def _parts(
    email: ContactEmail, prepared: Prepared, values: dict[str, str], urls: EmailUrls
) -> EmailParts:
    attached = () if urls.media else email.media
    html = _Html(prepared.html, values, urls)
    return EmailParts(email.subject, html, _Plain(prepared.plain, values, html), attached)


class _Html:
    """The page, its values escaped."""

    __slots__ = ("_encoded", "_pieces", "_urls", "_values")

    def __init__(self, pieces: Pieces, values: Mapping[str, str], urls: EmailUrls) -> None:
        self._pieces = pieces
        self._values = values
        self._urls = urls
        self._encoded: dict[str, bytes] | None = None

    @property
    def text(self) -> str:
        values = self.escaped()
        if values.get("preheader"):
            values["preheader"] += _FILLER
        return self._pieces.fill(values)

    @property
    def quoted(self) -> bytes:
        encoded = self.encoded()
        if self._values["preheader"] and "preheader" in encoded:
            encoded = {**encoded, "preheader": soft(encoded["preheader"], _QUOTED_FILLER)}
        return self._pieces.fill_quoted(encoded)

    def escaped(self) -> dict[str, str]:
        """Return the values as they stand in the page."""
        values = {name: escaped(self._values[name]) for name in self._pieces.names}
        if "pixel" in values:
            values["pixel"] = _pixel(self._urls.pixel) + _trap(self._urls.trap)
        return values

    def encoded(self) -> dict[str, bytes]:
        """Return these as quoted-printable."""
        if self._encoded is None:
            values = self.escaped()
            self._encoded = {name: quoted(value) for name, value in values.items()}
        return self._encoded


class _Plain:
    """The text for who reads no pages; what an escape leaves alone is encoded once for both."""

    __slots__ = ("_html", "_pieces", "_values")

    def __init__(self, pieces: Pieces, values: Mapping[str, str], html: _Html) -> None:
        self._pieces = pieces
        self._values = values
        self._html = html

    @property
    def text(self) -> str:
        return self._pieces.fill(self._values)

    @property
    def quoted(self) -> bytes:
        known = self._html.encoded()
        values = {}
        for name in self._pieces.names:
            value = self._values[name]
            same = name in known and name != "pixel" and not needs_escape(value)
            values[name] = known[name] if same else quoted(value)
        return self._pieces.fill_quoted(values)


def _pixel(url: str | None) -> str:
    if not url:
        return ""
    return (
        f'<img src="{escaped(url)}" width="1" height="1" alt="" '
        'style="display:block;width:1px;height:1px;border:0">'
    )


def _trap(url: str | None) -> str:
    """Return a link that nobody sees, reads out or reaches by keyboard."""
    if not url:
        return ""
    return (
        f'<a href="{escaped(url)}" tabindex="-1" aria-hidden="true" '
        'style="display:none;font-size:0;max-height:0;overflow:hidden"></a>'
    )


def _links(prepared: Prepared, raw: Mapping[str, str]) -> list[tuple[str, str] | None]:
    """Return each link of the text with its words; None for one that may not be sent."""
    found: list[tuple[str, str] | None] = []
    for number, link in enumerate(prepared.links):
        label = filled(link.label, raw) if raw else link.label
        if number not in prepared.uneven:
            found.append((link.url, label))
            continue
        url = web_link(filled(link.url, raw))
        found.append((url, label) if url else None)
    return found


def _tracked(urls: EmailUrls, url: str, label: str) -> str:
    """Return what a link becomes; what is no web page (mailto:, tel:) stays as it is."""
    return urls.link(url, label) if url.startswith(("http://", "https://")) else url


def _leading(buttons: Sequence[Button], urls: EmailUrls, payload: str) -> list[tuple[str, str]]:
    """Return the buttons that lead somewhere from an email, as (text, url)."""
    found = []
    for button in buttons:
        url = _behind(button, urls, payload)
        if url:
            found.append((button.text, url))
    return found


def _behind(button: Button, urls: EmailUrls, payload: str) -> str | None:
    """Return where a button leads: a page of its own to press it on, the chat, or its link."""
    if button.kind != "callback":
        link = web_link(button.value)
        return _tracked(urls, link, button.text) if link else None
    if urls.press is not None and not button.value.startswith(_GO):
        return urls.press(button.value, button.text)
    chat = _into_chat(button.value, urls.bot, payload)
    return _tracked(urls, chat, button.text) if chat else None


def _into_chat(data: str, bot: str | None, payload: str) -> str | None:
    if not bot:
        return None
    wanted = data.removeprefix(_GO) if data.startswith(_GO) else payload
    return f"{bot}?start={wanted}" if _PAYLOAD.fullmatch(wanted) else bot


def in_language(templates: Mapping[str, Template], language: str) -> Template | None:
    """Return the template for a language (`ru`, `pt-BR`), or the default one."""
    if not templates:
        return None
    wanted = language.lower().replace("_", "-")
    found = templates.get(wanted) or templates.get(wanted.partition("-")[0])
    return found or templates.get("")


def one_line(text: str) -> str:
    """Return a text as a header holds it: one line, without control characters, not too long."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= SUBJECT_CHARACTERS else line[: SUBJECT_CHARACTERS - 1] + "…"


def default_subject(html: str, values: Sequence[Any]) -> str:
    """Return the first line of a text as a subject."""
    raw = {f"v{number}": value for number, value in enumerate(values)}
    first = re.split(r"\n|<br>|</p>|</h\d>|</li>", html, maxsplit=1)[0]
    line = one_line(filled(unescape(_TAG.sub("", first)), raw))
    if len(line) <= _DEFAULT_SUBJECT:
        return line
    return line[: _DEFAULT_SUBJECT - 1].rpartition(" ")[0] + "…"
