"""What people type: timings, buttons, names, formatted texts."""

from typing import Any

import pytest

from dripline.bot.admin.entities import to_template
from dripline.bot.admin.slug import suggested
from dripline.bot.admin.typed_buttons import BadButton, parse_buttons, typed
from dripline.bot.admin.typed_timing import TypedTiming, parse_timing

NOW = {"hours": 0, "minutes": 0}


@pytest.mark.parametrize(
    ("text", "timing"),
    [
        ("0h 0m", NOW),
        ("now", NOW),
        ("сразу", NOW),
        ("1h 30m", {"hours": 1, "minutes": 30}),
        ("30m", {"minutes": 30}),
        ("1d", {"days": 1}),
        ("1d 2h", {"days": 1, "hours": 2}),
        ("1D2H", {"days": 1, "hours": 2}),
        ("in 2 days", {"days": 2}),
        ("2 weeks", {"days": 14}),
        ("1д 2ч", {"days": 1, "hours": 2}),
        ("через 3 дня", {"days": 3}),
        ("через 1 час 5 минут", {"hours": 1, "minutes": 5}),
        ("tomorrow 9:00", {"days": 1, "at": "09:00"}),
        ("завтра 9:00", {"days": 1, "at": "09:00"}),
        ("завтра в 9:00", {"days": 1, "at": "09:00"}),
        ("послезавтра в 10:30", {"days": 2, "at": "10:30"}),
        ("at 18:00", {"at": "18:00"}),
        ("в 18:00", {"at": "18:00"}),
        ("18:00", {"at": "18:00"}),
        ("2d at 0:05", {"days": 2, "at": "00:05"}),
        ("monday 10:00", {"at": "10:00", "weekdays": [1]}),
        ("пт 19:00", {"at": "19:00", "weekdays": [5]}),
        ("after 2h", {"hours": 2}),
        ("after an hour", {"hours": 1}),
        ("in an hour", {"hours": 1}),
        ("1 hour later", {"hours": 1}),
        ("half an hour", {"minutes": 30}),
        ("two days", {"days": 2}),
        ("a week later", {"days": 7}),
        ("the next day at 9 am", {"days": 1, "at": "09:00"}),
        ("day after tomorrow 9:00", {"days": 2, "at": "09:00"}),
        ("tomorrow at 9", {"days": 1, "at": "09:00"}),
        ("9 pm", {"at": "21:00"}),
        ("12 am", {"at": "00:00"}),
        ("через час", {"hours": 1}),
        ("Через день", {"days": 1}),
        ("через полчаса", {"minutes": 30}),
        ("через полтора часа", {"hours": 1, "minutes": 30}),
        ("через два часа", {"hours": 2}),
        ("на следующий день в 10:00", {"days": 1, "at": "10:00"}),
        ("завтра в 9 утра", {"days": 1, "at": "09:00"}),
        ("в 2 часа", {"at": "02:00"}),
        ("after monday 10:00", {"at": "10:00", "weekdays": [1]}),
    ],
)
def test_a_timing_as_people_type_it(text: str, timing: dict[str, Any]) -> None:
    assert parse_timing(text) == TypedTiming(timing)


@pytest.mark.parametrize(
    ("text", "after", "timing"),
    [
        ("after DONE", "DONE", {}),
        ("после DONE", "DONE", {}),
        ("После «Готово»", "Готово", {}),
        ("after DONE, 1h", "DONE", {"hours": 1}),
        ("after done 1d 9:00", "done", {"days": 1, "at": "09:00"}),
        ("after the button DONE is pressed: 1 hour later", "DONE", {"hours": 1}),
        ("when the button DONE is pressed", "DONE", {}),
        ("после нажатия кнопки DONE", "DONE", {}),
        ("когда нажата кнопка DONE, через час", "DONE", {"hours": 1}),
        ("по кнопке DONE", "DONE", {}),
    ],
)
def test_a_button_that_is_waited_for(text: str, after: str, timing: dict[str, Any]) -> None:
    assert parse_timing(text) == TypedTiming(timing, after)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "25:00",
        "13 pm",
        "at 25",
        "every day",
        "по пятницам",
        "when",
        "at 9:77",
        "1x",
        "99999999d",
        "-5m",
        "1.5h",
        "<b>1h</b>",
        "📷",
        "1h " * 99,
    ],
)
def test_what_is_no_timing(text: str) -> None:
    assert parse_timing(text) is None


def test_buttons_one_a_line() -> None:
    text = "url|Buy now|https://example.com|buy\n\n callback | Done | DONE \nоплата|Оплатить"
    assert parse_buttons(text) == [
        {"buttons": [{"type": "url", "text": "Buy now", "url": "https://example.com"}]},
        {"buttons": [{"type": "callback", "text": "Done", "callback_data": "DONE"}]},
        {"buttons": [{"type": "payment", "text": "Оплатить"}]},
    ]


def test_buttons_are_shown_as_they_are_typed() -> None:
    text = "url|Buy now|https://example.com\ncallback|Done|DONE\nstart_scenario|More|second"
    rows = parse_buttons(text)
    assert isinstance(rows, list)
    assert typed(rows) == text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Buy now", "kind"),
        ("link|", "text"),
        ("url|Buy now", "value"),
        ("callback|Done|", "value"),
        ("", "kind"),
        ("payment|Pay\n" * 51, "many"),
    ],
)
def test_what_is_no_button(line: str, why: str) -> None:
    found = parse_buttons(line)
    assert isinstance(found, BadButton)
    assert found.why == why


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Spring course 🌱", "spring-course"),
        ("Летний курс", "letniy-kurs"),
        ("Žluťoučký kůň", "zlutoucky-kun"),
        ("日本語", "scenario"),
        ("🌱", "scenario"),
        ("taken", "taken-2"),
        ("x" * 300, "x" * 40),
    ],
)
def test_an_id_out_of_a_name(name: str, found: str) -> None:
    assert suggested(name, {"taken"}) == found


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("text", "entities", "template"),
    [
        ("a < b & c", [], "a &lt; b &amp; c"),
        ("bold", [entity("bold", 0, 4)], "<b>bold</b>"),
        ("🌱 bold", [entity("bold", 3, 4)], "🌱 <b>bold</b>"),
        (
            "both",
            [entity("bold", 0, 4), entity("italic", 0, 4)],
            "<b><i>both</i></b>",
        ),
        ("see it", [entity("text_link", 4, 2, url="https://x.org/?a=1&b=2")],
         'see <a href="https://x.org/?a=1&amp;b=2">it</a>'),
        ("see it", [entity("text_link", 4, 2, url="javascript:alert(1)")], "see it"),
        ("Hi {{ user.first_name }}!", [entity("bold", 0, 25)], "<b>Hi {{ user.first_name }}!</b>"),
        ("Hi {{ user.first_name }}!", [entity("bold", 5, 4)], "Hi <b>{{ user.first_name }}</b>!"),
        ("{% if a > 1 %}x{% endif %}", [], "{% if a > 1 %}x{% endif %}"),
        ("abcd", [entity("bold", 0, 3), entity("italic", 2, 2)], "<b>ab<i>c</i></b>d"),
        ("<b>typed</b>", [], "<b>typed</b>"),
        ("<script>", [], "&lt;script&gt;"),
        ("x", [entity("bold", 0, 999), "junk", {"type": "bold"}], "<b>x</b>"),
        ("x", [entity("bold", -1, 2)], "x"),
        ("mail@x.org", [entity("email", 0, 10)], "mail@x.org"),
    ],
)  # fmt: skip
def test_formatting_becomes_tags(text: str, entities: list[Any], template: str) -> None:
    assert to_template(text, entities) == template
