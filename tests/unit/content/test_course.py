"""The sample course: what a newcomer sees first must be whole."""

from importlib.resources import as_file, files

from dripline.content.check import check, examine
from dripline.content.compile import compile_scenario
from dripline.content.document import Scenario
from dripline.content.rendered import Rendered
from dripline.content.telegram_html import measured_length

NOBODY = {"user": {}}


def scenario(scenario_id: str) -> Scenario:
    """Compile a scenario of the course."""
    with as_file(files("dripline.sandbox") / "course") as root:
        content = examine(root)
    return compile_scenario(
        content.documents["scenario", scenario_id],
        revision=1,
        button_sets=content.documents["buttons", "buttons"]["button_sets"],
        variables=content.documents["globals", "globals"]["variables"],
        paused=False,
        attributes={"phone_model": "", "photos_taken": 0},
    )


def every_rendering() -> list[Rendered]:
    """Render every message in every language for someone we know nothing of."""
    scenarios = [scenario("photos"), scenario("portraits")]
    messages = [m for one in scenarios for m in (*one.messages, one.summary) if m is not None]
    return [m.render(NOBODY, language) for m in messages for language in ("en", "ru")]


def test_it_has_no_problems() -> None:
    with as_file(files("dripline.sandbox") / "course") as root:
        assert check(root) == []


def test_seven_messages_in_two_languages() -> None:
    course = scenario("photos")
    assert len(course.messages) == 7
    assert all(set(message.texts) == {"", "ru"} for message in course.messages)


def test_everything_fits_a_caption_or_a_message() -> None:
    for rendered in every_rendering():
        assert 0 < measured_length(rendered.text) <= (1024 if rendered.media else 4096)


def test_a_friend_is_greeted_by_name() -> None:
    first = scenario("photos").messages[0]
    assert first.render({"user": {"first_name": "Anna"}}, "en").text.startswith("Hello, Anna!")
    assert first.render({"user": {"first_name": ""}}, "ru").text.startswith("Здравствуйте, друг!")


def test_it_shows_every_type_of_button() -> None:
    links = {"payment_link": "https://pay.example/1", "referral_link": "https://t.me/b?start=r_1"}
    course = scenario("photos")
    assert course.summary is not None
    shown = [
        button
        for message in (*course.messages, course.summary)
        for row in message.render({"user": links}, "en").keyboard
        for button in row
    ]
    assert {button.kind for button in shown} == {"url", "callback", "web_app"}
    values = {button.value for button in shown}
    assert {"DONE", "go:portraits", "check_progress", "https://pay.example/1"} <= values
    assert "https://t.me/share/url?url=https%3A%2F%2Ft.me%2Fb%3Fstart%3Dr_1" in values


def test_without_links_the_pay_and_share_buttons_are_left_out() -> None:
    course = scenario("photos")
    assert course.summary is not None
    kinds = [b.value for row in course.summary.render(NOBODY, "en").keyboard for b in row]
    assert kinds == ["go:portraits"]


def test_a_wait_for_done_with_a_time_out() -> None:
    wait = scenario("photos").messages[1].wait
    assert wait is not None
    assert (wait.kind, wait.name, wait.timeout and wait.timeout.days) == ("callback", "DONE", 1)


def test_all_kinds_of_files() -> None:
    kinds = [tuple(f.kind for f in message.media) for message in scenario("photos").messages]
    assert ("photo", "photo", "photo") in kinds
    assert {("photo",), ("voice",), ("document",)} <= set(kinds)
