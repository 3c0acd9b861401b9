"""Settings, all from the environment. `docs/settings.md` describes each, and a test compares."""

import fcntl
import os
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dripline import mail_settings
from dripline.errors import Invalid
from dripline.mail_settings import Sender, SmtpServer

_BOT_VARIABLE = re.compile(r"^TELEGRAM_BOT_TOKEN_([A-Z][A-Z0-9_]{0,31})$")
_TOKEN = re.compile(r"^\d{1,20}:[A-Za-z0-9_-]{1,128}$")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_SHORTEST_KEY = 16
_CHAT = re.compile(r"-\d{1,18}|@[A-Za-z]\w{3,31}")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-3]):([0-5]\d)")
_LIMIT = re.compile(r"([1-9]\d{0,3})\s*/\s*(day|week)")
MAIN_BOT = "main"
_MAIN = "TELEGRAM_BOT_TOKEN"


class Settings(BaseSettings):
    """What an installation is told by its environment."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    database_url: str = "sqlite:///dripline.db"
    telegram_bot_token: SecretStr | None = None
    telegram_api_base: str = "https://api.telegram.org"
    telegram_updates: Literal["polling", "webhook"] = "polling"
    telegram_rate: Annotated[float, Field(gt=0, le=1_000_000)] = 30.0
    admin_telegram_ids: Annotated[tuple[int, ...], NoDecode] = ()
    admin_api_key: SecretStr | None = None
    default_currency: str = "RUB"
    api_requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 6_000
    secret_key: SecretStr | None = None
    public_url: str | None = None
    track_links: bool = True
    track_devices: bool = True
    track_keep_days: Annotated[int, Field(ge=0, le=36_500)] = 180
    spool_dir: Path | None = None
    attribution_days: Annotated[int, Field(ge=1, le=3650)] = 30
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8001
    environment: str = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    default_language: str = "en"
    promo_chat_ids: Annotated[tuple[str, ...], NoDecode] = ()
    guide_chat_ids: Annotated[tuple[str, ...], NoDecode] = ()
    interval_hours: Annotated[float | None, Field(ge=1 / 3600, le=8784)] = None
    in_flight: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    from_email: str | None = None
    smtp_url: SecretStr | None = None
    resend_api_key: SecretStr | None = None
    resend_api_base: str = "https://api.resend.com"
    resend_webhook_secret: SecretStr | None = None
    email_rate: Annotated[float, Field(gt=0, le=1_000_000)] = 50.0
    bounce_address: str | None = None
    dkim_private_key: SecretStr | None = None
    dkim_selector: str | None = None
    dkim_domain: str | None = None
    webhook_private_networks: bool = False
    quiet_hours: Annotated[tuple[int, int] | None, NoDecode] = None
    frequency_cap: Annotated[tuple[int | None, int | None] | None, NoDecode] = None

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, object]) -> dict[str, object]:
        """Leave out what is only spaces: as good as none, like what is empty."""
        return {
            name: value
            for name, value in values.items()
            if not isinstance(value, str) or value.strip()
        }

    @field_validator("telegram_updates", "log_level", "log_format", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("admin_telegram_ids", mode="before")
    @classmethod
    def _split_ids(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in re.split(r"[\s,;]+", value.strip("[] ")) if part)
        return value

    @field_validator("admin_telegram_ids")
    @classmethod
    def _people(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        for number in value:
            if not 0 < number < 2**63:
                raise ValueError(
                    f"{number} is nobody's id: a person's is positive, such as 123456789; "
                    "@userinfobot tells you yours"
                )
        return value

    @field_validator("default_language")
    @classmethod
    def _language(cls, value: str) -> str:
        if _LANGUAGE.fullmatch(value.strip()) is None:
            raise ValueError("must be the code of a language, such as en or ru")
        return value.strip().lower()

    @field_validator("default_currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        code = value.strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise ValueError("must be a currency's three letters, such as RUB or USD")
        return code

    @field_validator("promo_chat_ids", "guide_chat_ids", mode="before")
    @classmethod
    def _chats(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(re.findall(r"[^\s,;\"'\[\]]+", value))
        for chat in value if isinstance(value, tuple) else ():
            if not _CHAT.fullmatch(str(chat)):
                raise ValueError(
                    f"{chat} is no chat: a channel or group has an id such as -1001234567890, or a "
                    "@name; write a JSON list of them"
                )
        return value

    @field_validator("telegram_api_base", "public_url", "resend_api_base")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = value.strip().rstrip("/")
        if not _is_web_address(address):
            raise ValueError("must be an address such as https://example.com")
        return address

    @field_validator("smtp_url", "dkim_private_key", "resend_webhook_secret")
    @classmethod
    def _readable(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        match info.field_name:
            case "smtp_url":
                mail_settings.smtp_server(text)
            case "dkim_private_key":
                return SecretStr(mail_settings.private_key(text))
            case _:
                return SecretStr(mail_settings.webhook_secret(text))
        return value

    @field_validator("resend_api_key")
    @classmethod
    def _one_word(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().strip() if value else ""
        if not re.fullmatch(r"[!-~]{0,500}", key):
            raise ValueError("is no key; copy it whole from Resend's page of API keys")
        return SecretStr(key) if key else None

    @field_validator("from_email", "bounce_address")
    @classmethod
    def _mailbox(cls, value: str | None) -> str | None:
        return str(mail_settings.sender(value)) if value else None

    @field_validator("dkim_domain", "dkim_selector")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        return mail_settings.domain(value) if value else None

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _span(cls, value: object) -> object:
        """Return minutes of the day, out of `22:00-08:00`."""
        if not isinstance(value, str):
            return value
        match = _SPAN.fullmatch(value.strip())
        if match is None:
            raise ValueError("are two times of day, such as 22:00-08:00")
        hours = [int(one) for one in match.groups()]
        span = (hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])
        if span[0] == span[1]:
            raise ValueError("begin and end at the same time; leave them unset for none")
        return span

    @field_validator("frequency_cap", mode="before")
    @classmethod
    def _limits(cls, value: object) -> object:
        """Return the most messages a day and a week, out of `3/day, 10/week`."""
        if not isinstance(value, str):
            return value
        found: dict[str, int] = {}
        for part in value.split(","):
            match = _LIMIT.fullmatch(part.strip())
            if match is None or match[2] in found:
                raise ValueError("is such as 3/day, 10/week, or one of the two")
            found[match[2]] = int(match[1])
        return found.get("day"), found.get("week")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        url = value.strip()
        if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        if url.startswith("sqlite:///"):
            name, _, options = url.removeprefix("sqlite:///").partition("?")
            if not name or name == ":memory:":
                raise ValueError("names no file; write sqlite:///dripline.db")
            if options:
                raise ValueError("a SQLite file takes no options: leave out what begins with ?")
        return url

    def changed(self, **values: object) -> "Settings":
        """Return these settings with other values; nothing worked out of the old ones stays."""
        copy = self.model_copy(update=values)
        for name in set(vars(copy)) - set(type(self).model_fields):
            del vars(copy)[name]
        return copy

    @cached_property
    def bots(self) -> dict[str, SecretStr]:
        """The tokens of all bots by name; `TELEGRAM_BOT_TOKEN` is named `main`.

        Raises Invalid when a token has not the form of one.
        """
        tokens = {
            match[0]: value.strip()
            for variable, value in sorted(os.environ.items())
            if (match := _BOT_VARIABLE.match(variable)) and value.strip()
        }
        if self.telegram_bot_token:
            tokens = {_MAIN: self.telegram_bot_token.get_secret_value().strip(), **tokens}
        named: dict[str, SecretStr] = {}
        owners: dict[str, str] = {}
        for variable, token in tokens.items():
            name = variable.removeprefix(_MAIN).removeprefix("_").lower() or MAIN_BOT
            _see_to(variable, token, owners)
            named[name] = SecretStr(token)
        return named

    @property
    def has_email(self) -> bool:
        """Whether there is a way for emails to go out."""
        return self.smtp_url is not None or self.resend_api_key is not None

    @cached_property
    def sender(self) -> Sender:
        """Whom emails are from. Raises Invalid when that is not set."""
        if self.from_email is None:
            raise Invalid(
                "FROM_EMAIL is not set. Emails need a sender, such as "
                "FROM_EMAIL='Anna <anna@example.com>'.",
                code="NO_SENDER",
            )
        return mail_settings.sender(self.from_email)

    @cached_property
    def smtp_server(self) -> SmtpServer | None:
        """The mail server of `SMTP_URL`, if there is one."""
        if self.smtp_url is None:
            return None
        return mail_settings.smtp_server(self.smtp_url.get_secret_value())

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs links: `SECRET_KEY`, or one made once, beside the database."""
        if self.secret_key:
            return self.secret_key.get_secret_value().encode()
        return _kept_key(self._key_file())

    @property
    def has_weak_key(self) -> bool:
        """Whether `SECRET_KEY` is so short that somebody may guess it."""
        return len(self.signing_key) < _SHORTEST_KEY

    @property
    def spool_folder(self) -> Path:
        """Where clicks wait for the database: beside its file, or in the working folder."""
        if self.spool_dir is not None:
            return self.spool_dir
        name = urlsplit(self.database_url).path.rpartition("/")[2] or "dripline"
        return self._key_file().parent / f"{name}-spool"

    def _key_file(self) -> Path:
        if self.database_url.startswith("sqlite:///"):
            path = self.database_url.removeprefix("sqlite:///").partition("?")[0]
            if path and ":memory:" not in path:
                return Path(path).resolve().parent / "secret_key"
        return Path("secret_key")


def _see_to(variable: str, token: str, owners: dict[str, str]) -> None:
    """Raise Invalid for a token that cannot be one, and for a second one of a bot or a name.

    `owners` are the variables seen so far, by the numbers of their bots.
    """
    if not _TOKEN.match(token):
        raise Invalid(
            f"{variable} is not a bot token. It looks like 123456:ABC-DEF…; "
            "copy it whole from @BotFather.",
            code="INVALID_TOKEN",
        )
    number = token.partition(":")[0]
    other = owners.get(number)
    if other is None and variable == f"{_MAIN}_{MAIN_BOT.upper()}" and _MAIN in owners.values():
        other = _MAIN
    if other is not None:
        raise Invalid(
            f"{other} and {variable} are the same bot, and only one of them can read its updates: "
            "leave one out.",
            code="BOT_TWICE",
        )
    owners[number] = variable


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises for one that is none
    except ValueError:
        return False
    known = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return known and re.search(r"\s", value) is None


def _kept_key(file: Path) -> bytes:
    """Read the key, or make it with 0600 from its first moment; two processes get the same one.

    Raises Invalid when there can be none, or when what is there is none.
    """
    try:
        key = (file.read_bytes() if file.exists() else b"").strip() or _made_key(file)
    except OSError as error:
        raise Invalid(
            f"The key that signs links cannot be kept in {file}: {error.strerror}. It stands "
            "beside the database: see to the folder of DATABASE_URL, or set SECRET_KEY.",
            code="NO_SECRET_KEY",
        ) from None
    if len(key) < _SHORTEST_KEY:
        raise Invalid(
            f"The key in {file} is too short to be one of ours. Put the right one back from a "
            "backup, or delete the file: then a new one is made, and links sent so far are void.",
            code="NO_SECRET_KEY",
        )
    return key


def _made_key(file: Path) -> bytes:
    """Write a key into a file that has none: one that a full disk or a crash left empty too."""
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if key := stream.read().strip():
            return key  # another process was first
        stream.write(secrets.token_urlsafe(48).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return file.read_bytes().strip()
