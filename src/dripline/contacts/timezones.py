"""Guess where a contact is from their language, where a language has one clear zone.

English, Russian, Spanish, French, Portuguese, Arabic and others are spoken over many hours: they
say nothing without a region. English never does: half of the world has its phone in it.
"""

from typing import Final

from dripline.contacts.models import Contact

ASKED: Final = "asked"
GUESSED: Final = "guessed"
_SILENT: Final = frozenset({"en"})
_ZONES: Final = {
    "am": "Africa/Addis_Ababa",
    "az": "Asia/Baku",
    "be": "Europe/Minsk",
    "bg": "Europe/Sofia",
    "bs": "Europe/Sarajevo",
    "cs": "Europe/Prague",
    "da": "Europe/Copenhagen",
    "de": "Europe/Berlin",
    "el": "Europe/Athens",
    "et": "Europe/Tallinn",
    "fa": "Asia/Tehran",
    "fa-af": "Asia/Kabul",
    "fi": "Europe/Helsinki",
    "he": "Asia/Jerusalem",
    "hi": "Asia/Kolkata",
    "hr": "Europe/Zagreb",
    "hu": "Europe/Budapest",
    "hy": "Asia/Yerevan",
    "is": "Atlantic/Reykjavik",
    "it": "Europe/Rome",
    "ja": "Asia/Tokyo",
    "ka": "Asia/Tbilisi",
    "kk": "Asia/Almaty",
    "km": "Asia/Phnom_Penh",
    "ko": "Asia/Seoul",
    "ky": "Asia/Bishkek",
    "lo": "Asia/Vientiane",
    "lt": "Europe/Vilnius",
    "lv": "Europe/Riga",
    "mk": "Europe/Skopje",
    "ms": "Asia/Kuala_Lumpur",
    "mt": "Europe/Malta",
    "my": "Asia/Yangon",
    "nb": "Europe/Oslo",
    "ne": "Asia/Kathmandu",
    "nl": "Europe/Amsterdam",
    "no": "Europe/Oslo",
    "pl": "Europe/Warsaw",
    "ro": "Europe/Bucharest",
    "si": "Asia/Colombo",
    "sk": "Europe/Bratislava",
    "sl": "Europe/Ljubljana",
    "sq": "Europe/Tirane",
    "sr": "Europe/Belgrade",
    "sv": "Europe/Stockholm",
    "sv-fi": "Europe/Helsinki",
    "tg": "Asia/Dushanbe",
    "th": "Asia/Bangkok",
    "tk": "Asia/Ashgabat",
    "tr": "Europe/Istanbul",
    "uk": "Europe/Kyiv",
    "uz": "Asia/Tashkent",
    "vi": "Asia/Ho_Chi_Minh",
    "zh": "Asia/Shanghai",
    "zh-tw": "Asia/Taipei",
    # Languages of many zones, with a region that has one.
    "ar-ae": "Asia/Dubai",
    "ar-eg": "Africa/Cairo",
    "ar-sa": "Asia/Riyadh",
    "es-ar": "America/Argentina/Buenos_Aires",
    "es-co": "America/Bogota",
    "es-es": "Europe/Madrid",
    "es-pe": "America/Lima",
    "es-uy": "America/Montevideo",
    "es-ve": "America/Caracas",
    "fr-be": "Europe/Brussels",
    "fr-ch": "Europe/Zurich",
    "fr-fr": "Europe/Paris",
    "pt-pt": "Europe/Lisbon",
    "ru-by": "Europe/Minsk",
    "ru-kg": "Asia/Bishkek",
    "ru-kz": "Asia/Almaty",
    "ru-ua": "Europe/Kyiv",
    "ru-uz": "Asia/Tashkent",
}


def guess(language: str | None) -> str | None:
    """Return the zone of a language tag such as `de`, `zh-hans` or `es_AR`; None: it says none."""
    parts = (language or "").lower().replace("_", "-").split("-")
    if parts[0] in _SILENT:
        return None
    region = _ZONES.get(f"{parts[0]}-{parts[-1]}") if len(parts) > 1 else None
    return region or _ZONES.get(parts[0])


def guess_for(contact: Contact) -> None:
    """Set a contact's timezone by their language, unless they have said it; note that it is so."""
    if contact.timezone is not None and contact.timezone_source != GUESSED:
        return
    zone = guess(contact.language)
    if zone != contact.timezone:
        contact.timezone, contact.timezone_source = zone, GUESSED if zone else None
