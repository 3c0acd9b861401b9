"""A message of a folder as somebody would get it: nothing is stored, nothing is sent."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from mimetypes import guess_type
from typing import Any, Final

from dripline.content.compile import PAID, SUMMARY, compile_scenario
from dripline.content.document import Message
from dripline.content.email.mime import Envelope, Mailbox, mime
from dripline.content.parse import Content
from dripline.content.rendered import Email, EmailParts, EmailUrls, Media
from dripline.errors import MESSAGE_NOT_FOUND, SCENARIO_NOT_FOUND, Invalid, NotFound
from dripline.ids import new_id

SAMPLE: Final[Mapping[str, Any]] = {
    "first_name": "Anna", "last_name": "Berg", "user_name": "anna", "state": "REGISTERED",
    "reg_date": "2026-01-31", "email": "anna@example.com", "referral_count": 1, "program_day": 1,
    "referral_link": "https://t.me/your_bot?start=r_1", "payment_link": "https://example.com/pay",
    "invite_link": "https://t.me/+invitation",
}  # fmt: skip
_URLS: Final = EmailUrls(
    "https://example.com/unsubscribe",
    "https://example.com/preferences",
    bot="https://t.me/your_bot",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """An email, and the files that go along."""

    parts: EmailParts
    files: Mapping[str, bytes]

    def page(self) -> str:
        """Return its html with pictures in it, to be opened in a browser."""
        html = self.parts.html
        for one in self.parts.attached:
            kind = guess_type(one.filename)[0] or "application/octet-stream"
            data = b64encode(self.files.get(one.sha256, b"")).decode()
            html = html.replace(f"cid:{one.sha256[:32]}@media", f"data:{kind};base64,{data}")
        return html

    def eml(self, now: datetime) -> bytes:
        """Return it as a mail program opens it."""
        to = Mailbox("anna@example.com", "Anna Berg")
        sender = Mailbox("hello@example.com", "Preview")
        envelope = Envelope(sender, to, new_id(), now, _URLS.unsubscribe)
        return mime(self.parts, envelope, self.files)


def message_of(content: Content, scenario_id: str, message_id: str) -> Message:
    """Return a message of a folder, compiled; `summary` and `paid_content` are ids as well.

    Raises NotFound, and Invalid when the folder has errors.
    """
    errors = [one for one in content.problems if one.severity == "error"]
    body = content.scenario(scenario_id)
    if body is None:
        raise NotFound(
            f"There is no scenario {scenario_id} here, but {', '.join(content.scenario_ids)}.",
            code=SCENARIO_NOT_FOUND,
        )
    if errors:
        raise Invalid(f"The content has errors; look at them first: {errors[0]}")
    declared = _shared(content, "attributes")
    scenario = compile_scenario(
        body,
        revision=0,
        button_sets=_shared(content, "buttons", "button_sets"),
        variables=_shared(content, "globals", "variables"),
        paused=False,
        attributes={name: spec.get("default", "") for name, spec in declared.items()},
        layouts=_shared(content, "layouts"),
    )
    known = {one.id: one for one in scenario.messages}
    known |= {SUMMARY: scenario.summary} if scenario.summary else {}
    known |= {PAID: scenario.paid} if scenario.paid else {}
    if message_id not in known:
        raise NotFound(
            f"{scenario_id} has no message {message_id}, but {', '.join(known)}.",
            code=MESSAGE_NOT_FOUND,
        )
    return known[message_id]


def email_of(content: Content, message: Message, user: Mapping[str, Any], language: str) -> Preview:
    """Return a message as an email to this contact. Raises PermanentFailure."""
    rendered = message.as_email({"user": user, "context": {}}, language)
    assert rendered.email is not None  # noqa: S101 - as_email always makes one
    return preview(rendered.email, lambda one: content.media[one.sha256].path.read_bytes())


def preview(email: Email, read: Callable[[Media], bytes]) -> Preview:
    """Return an email with addresses that lead nowhere in particular."""
    parts = email.assemble(_URLS)
    return Preview(parts, {one.sha256: read(one) for one in parts.attached})


def _shared(content: Content, kind: str, key: str = "") -> Mapping[str, Any]:
    found = content.documents.get((kind, kind), {}).get(key or kind)
    return found if isinstance(found, Mapping) else {}


__all__ = ["SAMPLE", "Preview", "email_of", "message_of", "preview"]
