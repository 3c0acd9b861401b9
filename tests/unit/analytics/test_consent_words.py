"""Changes of consent in words: no code, and no bracket, reaches who reads them."""

from typing import Any

import pytest

from dripline.analytics.consent_words import changes_told

ANNA = "anna@example.com"


@pytest.mark.parametrize(
    ("name", "old", "new", "english", "russian"),
    [
        ("email", None, f"{ANNA} (unverified)",
         f"Email: {ANNA}, not confirmed yet", f"Почта: {ANNA}, ещё не подтверждён"),
        ("email", f"{ANNA} (unverified)", f"{ANNA} (verified)",
         f"Email: {ANNA}, not confirmed yet → {ANNA}, confirmed",
         f"Почта: {ANNA}, ещё не подтверждён → {ANNA}, подтверждён"),
        ("email", f"{ANNA} (reachable)", f"{ANNA} (complained)",
         f"Email: {ANNA}, confirmed → {ANNA}, called spam",
         f"Почта: {ANNA}, подтверждён → {ANNA}, письмо отмечено как спам"),
        ("email", f"{ANNA} (unsubscribed)", f"{ANNA} (subscribed again)",
         f"Email: {ANNA}, no emails wanted → {ANNA}, subscribed again",
         f"Почта: {ANNA}, отписан → {ANNA}, снова подписан"),
        ("email", f"{ANNA} (bounced)", None, f"Email: {ANNA}, emails come back → –",
         f"Почта: {ANNA}, письма возвращаются → –"),
        ("sequences", "yes", "no", "Courses and series: yes → no", "Курсы и серии: да → нет"),
        ("preferred_channel", None, "email", "Where: by email", "Куда: на почту"),
        ("preferred_time", "morning", "", "When: in the morning → –", "Когда: утром → –"),
        ("weekdays", None, "1,7", "Days: Mo, Su", "Дни: пн, вс"),
        ("quiet_from", None, "1320", "Quiet hours begin: 22:00", "Начало тихих часов: 22:00"),
        ("timezone", None, "Europe/Berlin", "Timezone: Europe/Berlin",
         "Часовой пояс: Europe/Berlin"),
    ],
)  # fmt: skip
def test_a_change_in_words(
    name: str, old: str | None, new: str | None, english: str, russian: str
) -> None:
    changes = {name: {"old": old, "new": new}}
    assert changes_told(changes, "en") == english
    assert changes_told(changes, "ru") == russian


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (None, ""),
        ({"email": None}, "Email: –"),
        ({"other": {"old": 1, "new": {"a": 1}}}, "other: 1 → {'a': 1}"),
        ({"weekdays": {"new": "9,9"}}, "Days: 9,9"),
    ],
)
def test_what_is_odd_is_told_as_it_is(changes: Any, told: str) -> None:
    assert changes_told(changes, "en") == told
