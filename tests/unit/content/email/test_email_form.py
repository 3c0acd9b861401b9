"""An email for a contact: the layout around it, its values, its links, and its plain text."""

import quopri
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.content.email.form import ContactEmail, EmailForms
from dripline.content.email.layout import SHIPPED, Layouts, shipped
from dripline.content.email.letter import as_letter
from dripline.content.liquid import Template
from dripline.content.rendered import Button, EmailParts, EmailUrls, Media, Rendered
from dripline.content.slots import SLOT, Pieces, quoted, slot
from dripline.errors import PermanentFailure

NAMES: dict[str, dict[str, Any]] = {"user": {"first_name": "", "link": ""}}
URLS = EmailUrls(
    "https://x.example/u", "https://x.example/p", "https://x.example/o",
    lambda url, label: f"https://x.example/r/{len(url)}/{len(label)}",
    bot="https://t.me/seeing_bot",
)  # fmt: skip


def text(source: str) -> Template:
    return Template(source, html=True, fallbacks=NAMES)


def plain(source: str) -> Template:
    return Template(source, html=False, fallbacks=NAMES)


def forms(**given_: Any) -> EmailForms:
    return EmailForms(Layouts({}, {"bot": {"company_name": "Seeing"}}), **given_)


def made(source: str, user: Mapping[str, Any] | None = None, **given_: Any) -> EmailParts:
    return for_contact(forms(**given_), source, user).assemble(URLS)


def for_contact(
    form: EmailForms, source: str, user: Mapping[str, Any] | None = None
) -> ContactEmail:
    return form.email(text(source), {"user": user or {}}, "en")


@pytest.mark.parametrize("layout", SHIPPED)
@pytest.mark.parametrize("language", ["en", "ru", "pt-BR", ""])
def test_a_shipped_layout_holds_everything(layout: str, language: str) -> None:
    parts = (
        forms(layout=layout)
        .email(text("Hello"), {"user": {"user_name": "Ann"}}, language)
        .assemble(URLS)
    )
    assert "https://x.example/u" in parts.html
    assert "https://x.example/p" in parts.html
    assert '<img src="https://x.example/o"' in parts.html
    assert "https://x.example/u" in parts.plain
    assert "https://x.example/o" not in parts.plain
    assert ("Отписаться" in parts.html) == (language == "ru")
    assert "fonts.googleapis" not in parts.html
    assert "prefers-color-scheme: dark" in parts.html
    assert not SLOT.search(parts.html + parts.plain)


def test_styles_stand_in_the_tags() -> None:
    assert '<p style="margin: 0 0 16px;">Hello</p>' in made("Hello").html


def test_without_a_tracker_there_is_no_pixel() -> None:
    parts = for_contact(forms(), "Hello").assemble(EmailUrls("u", "p"))
    assert "<img" not in parts.html


def test_values_are_escaped_once_and_only_in_the_html() -> None:
    parts = made("Hello, {{ user.first_name }}!", {"first_name": "<b>Ann & Bob\nCo"})
    assert "Hello, &lt;b&gt;Ann &amp; Bob<br>Co!" in parts.html
    assert "Hello, <b>Ann & Bob\nCo!" in parts.plain


def test_a_value_is_not_searched_for_slots() -> None:
    parts = made("{{ user.first_name }}", {"first_name": slot("unsubscribe")})
    assert slot("unsubscribe") in parts.plain


def test_conditions_of_contacts_are_kept_apart() -> None:
    form = forms()
    source = '{% if user.first_name == "Ann" %}<b>You</b>{% else %}{{ user.first_name }}{% endif %}'
    assert ">You<" in for_contact(form, source, {"first_name": "Ann"}).assemble(URLS).html
    bob = for_contact(form, source, {"first_name": "B<b"}).assemble(URLS)
    assert "B&lt;b" in bob.html
    assert "You" not in bob.plain


def test_links_are_tracked_with_their_words() -> None:
    parts = made('<a href="https://a.b/c">here</a> <a href="mailto:a@b.c">write</a>')
    assert 'href="https://x.example/r/13/4"' in parts.html
    assert "here (https://x.example/r/13/4)" in parts.plain
    assert 'href="mailto:a@b.c"' in parts.html


def test_a_link_of_its_own_words_is_said_once() -> None:
    parts = for_contact(forms(), '<a href="https://a.b/c">https://a.b/c</a>').assemble(
        EmailUrls("u", "p")
    )
    assert parts.plain.count("https://a.b/c") == 1


@pytest.mark.parametrize("link", ["javascript:alert(1)", "", "https://a b", 'https://a"b'])
def test_a_link_that_a_value_spoils_leaves_its_words(link: str) -> None:
    form, source = forms(), '<a href="{{ user.link }}">here</a> and <a href="https://a.b">there</a>'
    parts = for_contact(form, source, {"link": link}).assemble(URLS)
    assert "javascript" not in parts.html
    assert "here and there (https://x.example/r/11/5)" in parts.plain
    good = for_contact(form, source, {"link": "https://c.d"}).assemble(URLS)
    assert "here (https://x.example/r/11/4)" in good.plain


@pytest.mark.parametrize(
    ("given_", "source", "subject"),
    [
        ({"subjects": {"": plain("For {{ user.first_name }}")}}, "x", "For Ann"),
        ({"subjects": {"": plain("a\r\nBcc: b@c.d")}}, "x", "a Bcc: b@c.d"),
        ({"title": "Seeing"}, "<b>The light</b>\n\nText", "The light"),
        ({"title": "Seeing"}, "Hello there", "Seeing"),
        ({}, "Hello, {{ user.first_name }}!\n\nMore", "Hello, Ann!"),
        ({}, "<b>For {{ user.first_name }}</b>\nx", "For Ann"),
        ({}, "word " * 40, "word " * 14 + "word…"),
        ({"subjects": {"": plain("{{ user.link }}")}, "title": "Seeing"}, "x", "Seeing"),
    ],
)  # fmt: skip
def test_what_an_email_is_called(given_: dict[str, Any], source: str, subject: str) -> None:
    assert for_contact(forms(**given_), source, {"first_name": "Ann"}).subject == subject


def test_the_language_of_subject_and_text() -> None:
    form = forms(
        subjects={"": plain("Hi"), "ru": plain("Привет")},
        preheaders={"ru": plain("Скоро")},
        texts={"": text("one"), "ru": text("раз")},
    )
    email = form.email(text("other"), {"user": {}}, "ru-RU")
    assert (email.subject, email.preheader) == ("Привет", "Скоро")
    assert "раз" in email.assemble(URLS).plain
    assert form.email(text("other"), {"user": {}}, "de").subject == "Hi"


def test_a_preheader_keeps_the_text_out_of_the_preview() -> None:
    assert ">Soon&#847;" in made("x", preheaders={"": plain("Soon")}).html
    assert "&#847;" not in made("x").html


BUTTONS = (
    (Button("url", "Read & see", "https://a.b/c"), Button("callback", "Done", "DONE")),
    (Button("callback", "Next", "go:next"), Button("web_app", "App", "https://app.example")),
)


def test_buttons_lead_to_pages_and_into_the_chat() -> None:
    email = forms(payload="photos").email(text("x"), {"user": {}}, "en", BUTTONS)
    parts = email.assemble(EmailUrls("u", "p", bot="https://t.me/b"))
    assert "Read &amp; see" in parts.html
    for url in ("https://a.b/c", "https://t.me/b?start=photos", "https://t.me/b?start=next"):
        assert f'href="{url}"' in parts.html
        assert url in parts.plain
    without = email.assemble(EmailUrls("u", "p"))
    assert "Done" not in without.html
    assert "App" in without.html


MEDIA = (Media("a" * 64, "photo", "cat.jpg"), Media("b" * 64, "document", "book.pdf"))


def test_files_go_by_link_where_they_are_served() -> None:
    email = forms().email(text("x"), {"user": {}}, "en", (), MEDIA)
    served = email.assemble(EmailUrls("u", "p", media=lambda one: f"https://m.n/{one.filename}"))
    assert 'src="https://m.n/cat.jpg"' in served.html
    assert 'href="https://m.n/book.pdf"' in served.html
    assert "Picture: https://m.n/cat.jpg\n\nbook.pdf: https://m.n/book.pdf" in served.plain
    assert served.attached == ()


def test_the_plain_text_calls_pictures_so_in_the_readers_language() -> None:
    media = (*MEDIA, Media("c" * 64, "photo", "IMG_1.PNG"), Media("d" * 64, "voice", "v.ogg"))
    email = forms().email(text("x"), {"user": {}}, "ru", (), media)
    told = email.assemble(
        EmailUrls("u", "p", media=lambda one: f"https://m.n/{one.filename}")
    ).plain
    assert "Картинка 1: https://m.n/cat.jpg" in told
    assert "Картинка 2: https://m.n/IMG_1.PNG" in told
    assert "Голосовое сообщение: https://m.n/v.ogg" in told


def test_files_go_along_where_they_are_not_served() -> None:
    parts = forms().email(text("x"), {"user": {}}, "en", (), MEDIA).assemble(EmailUrls("u", "p"))
    assert f'src="cid:{"a" * 32}@media"' in parts.html
    assert "book.pdf" not in parts.html
    assert parts.attached == MEDIA


def test_a_layout_of_the_content_comes_first() -> None:
    mine = (
        "<mjml><mj-body><mj-section><mj-column><mj-text>Mine {{ message_content }} "
        '<a href="{{ unsubscribe_url }}">x</a></mj-text></mj-column></mj-section></mj-body></mjml>'
    )
    layouts = Layouts({"nurture_sequence": {"ru": mine}}, {})
    form = EmailForms(layouts)
    assert "Mine" in form.email(text("a"), {}, "ru").assemble(URLS).html
    assert "Mine" not in form.email(text("a"), {}, "en").assemble(URLS).html


def test_a_name_that_is_missing_has_a_default() -> None:
    form = forms(layout="welcome_email")
    assert "Welcome, friend" in form.email(text("a"), {"user": {}}, "en").assemble(URLS).html
    parts = form.email(text("a"), {"user": {"user_name": "<Ann>"}}, "en").assemble(URLS)
    assert "Welcome, &lt;Ann&gt;" in parts.html


@pytest.mark.parametrize("source", ["<mjml>", "<mjml><mj-body></mj-body></mjml>", "{{ x | nope }}"])
def test_a_broken_layout_fails_the_delivery_and_no_other(source: str) -> None:
    form = EmailForms(Layouts({"mine": {"": source}}, {}), "mine")
    with pytest.raises(PermanentFailure, match="layout mine"):
        form.email(text("a"), {}, "en").assemble(URLS)


def test_a_template_that_fails_for_one_contact() -> None:
    with pytest.raises(PermanentFailure):
        made("{{ context.order }}")


def test_what_the_engine_says_goes_by_email_too() -> None:
    message = as_letter(Rendered("<b>Hi</b>\nthere {{ x }}", keyboard=BUTTONS), "ru")
    assert message.email is not None
    parts = message.email.assemble(URLS)
    assert parts.subject == "Hi"
    assert "there {{ x }}" in parts.plain
    assert "Отписаться" in parts.html


def test_the_layouts_that_ship_need_nothing() -> None:
    for name in shipped():
        Layouts({}, {}).compiled(name, "en", None)


def _read(encoded: bytes) -> str:
    return quopri.decodestring(encoded).decode().replace("\r\n", "\n")


@given(st.text(max_size=300), st.text(max_size=300))
def test_prepared_texts_say_the_same_as_plain_ones(first: str, second: str) -> None:
    first, second = (one.replace("\r", "\n") for one in (first, second))
    first, second = (one.encode("utf-8", "ignore").decode() for one in (first, second))
    pieces = Pieces.of(f"{first}{slot('v0')}{second}{slot('v1')}")
    values = {"v0": second, "v1": first}
    whole = pieces.fill(values)
    assert whole == first + second + second + first
    encoded = pieces.fill_quoted({name: quoted(value) for name, value in values.items()})
    assert _read(encoded) == whole
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert b"\n" not in encoded.replace(b"\r\n", b"")


@given(st.lists(st.text(alphabet="ab <>&\n\"'{}%=*_й👍", max_size=40), min_size=1, max_size=3))
def test_any_value_reads_as_itself(values: list[str]) -> None:
    source = "".join(f"<b>{{{{ user.x{n} }}}}</b> " for n, _ in enumerate(values))
    user = {f"x{n}": value for n, value in enumerate(values)}
    template = Template(source, html=True, fallbacks={"user": dict.fromkeys(user, "")})
    parts = forms(title="t").email(template, {"user": user}, "en").assemble(URLS)
    assert _read(parts.html_text.quoted) == parts.html.replace("\r\n", "\n")
    assert _read(parts.plain_text.quoted) == parts.plain.replace("\r\n", "\n")
    for value in values:
        assert value in parts.plain


def test_a_trap_is_there_for_machines_only() -> None:
    urls = EmailUrls("u", "p", "https://x.example/o", trap="https://x.example/r/trap")
    parts = for_contact(forms(), "Hello").assemble(urls)
    assert '<a href="https://x.example/r/trap" tabindex="-1" aria-hidden="true"' in parts.html
    assert "trap" not in parts.plain


@pytest.mark.parametrize("layout", SHIPPED)
def test_without_pages_no_link_leads_nowhere(layout: str) -> None:
    parts = for_contact(forms(layout=layout), "Hello").assemble(EmailUrls("", ""))
    assert 'href=""' not in parts.html
    assert "Unsubscribe" not in parts.plain


def test_what_is_empty_in_the_globals_is_not_there() -> None:
    constants = {"bot": {"logo_url": "", "company_name": "", "bot_name": "Seeing"}}
    form = EmailForms(Layouts({}, constants), "welcome_email")
    html = for_contact(form, "Hello").assemble(EmailUrls("u", "p")).html
    assert "<img" not in html
    assert "Seeing" in html
    assert "Open the chat" not in html
    parts = for_contact(form, "Hello").assemble(EmailUrls("u", "p", bot="https://t.me/b"))
    assert "Open the chat (https://t.me/b)" in parts.plain
