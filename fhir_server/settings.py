"""Every option of the server, typed and explained; read from the environment.

Each option is the environment variable ``HESTIA_<NAME>``, or ``HESTIA_<NAME>_FILE`` naming a file
that holds the value (for secrets). A ``HESTIA_*`` variable that is no option refuses to start.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "HESTIA_"
TENANT = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)

ValidationPolicy = Literal["off", "structure"]
Handling = Literal["strict", "lenient"]
LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


class SettingsError(Exception):
    """The environment cannot be used as it is; the text says which variable and why."""


SECRET = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options; each annotation carries its explanation."""

    home: Annotated[Path, "Directory for the embedded database, keys and state."] = Path(".hestia")
    host: Annotated[str, "Address the HTTP server listens on."] = "127.0.0.1"
    port: Annotated[int, "Port the HTTP server listens on."] = 8080
    url: Annotated[
        str, "Public origin, such as https://fhir.example.org; default http://localhost:<port>."
    ] = ""
    workers: Annotated[int, "API worker processes; 0 means one per core."] = 0
    database_url: Annotated[
        str,
        "PostgreSQL 15 to 18, as postgresql://user:password@host/name; default: the embedded one.",
        SECRET,
    ] = ""
    database_connections: Annotated[int, "Connections each API worker holds."] = 4
    statement_timeout: Annotated[int, "Seconds after which a statement is given up."] = 30
    tenants: Annotated[
        tuple[str, ...], "Tenants, comma-separated; the first one is served at /fhir."
    ] = ("default",)
    key: Annotated[
        str,
        "Secret of at least 32 characters from which index and paging keys are derived; with the "
        "embedded database one is made at first start.",
        SECRET,
    ] = ""
    validation: Annotated[ValidationPolicy, "How resources are validated on write."] = "structure"
    unknown_parameters: Annotated[
        Handling,
        "Whether unknown search parameters are refused (strict) or reported and ignored (lenient) "
        "when the request does not say.",
    ] = "strict"
    referential_integrity: Annotated[
        bool, "Refuse references to resources that do not exist here."
    ] = False
    conditional_delete_multiple: Annotated[
        bool, "Let a conditional delete remove more than one resource."
    ] = False
    max_body: Annotated[int, "Largest request body in bytes."] = 50_000_000
    page_size: Annotated[int, "Entries on a page when _count is absent."] = 20
    max_page_size: Annotated[int, "Largest _count."] = 1000
    outbound_allow: Annotated[
        tuple[str, ...], "Origins that the server may call, comma-separated."
    ] = ()
    log_level: Annotated[LogLevel, "Least level logged."] = "info"
    log_format: Annotated[LogFormat, "Log lines for people (console) or machines (json)."] = (
        "console"
    )

    def __post_init__(self) -> None:
        _check(self)

    @property
    def origin(self) -> str:
        """The public origin without a trailing slash."""
        return self.url.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def api_workers(self) -> int:
        """How many API workers to start."""
        return self.workers or os.cpu_count() or 1

    def derived_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, derived from the secret."""
        derivation = HKDF(SHA256(), 32, salt=b"hestia", info=purpose.encode())
        return derivation.derive(self.key.encode())

    @property
    def fingerprint(self) -> str:
        """What the database remembers of the key."""
        return sha256(self.derived_key("fingerprint")).hexdigest()

    def shown(self) -> dict[str, str]:
        """Name of the variable → value, secrets masked."""
        return {
            option.variable: "***" if option.secret and value else _plain(value)
            for option in OPTIONS
            for value in [getattr(self, option.name)]
        }


@dataclass(frozen=True, slots=True)
class Option:
    """One option as `hestia config` and docs/configuration.md show it."""

    name: str
    kind: Any
    help: str
    secret: bool
    default: object

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    @property
    def default_text(self) -> str:
        """The default as it would be written in the environment."""
        return _plain(self.default)


def load(environment: Mapping[str, str]) -> Settings:
    """The settings in ``environment``; raises SettingsError naming the variable at fault."""
    options = {option.variable: option for option in OPTIONS}
    values: dict[str, object] = {}
    for variable, given in environment.items():
        if not variable.startswith(PREFIX):
            continue
        option, text = _read(variable, given, options)
        if option.name in values:
            raise SettingsError(f"{option.variable} is given both directly and as a file")
        values[option.name] = _convert(option.kind, text, option.variable)
    return Settings(**values)  # pyright: ignore[reportArgumentType]


def _options() -> tuple[Option, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    found: list[Option] = []
    for option in fields(Settings):
        kind, text, *marks = get_args(hints[option.name])
        found.append(Option(option.name, kind, text, SECRET in marks, option.default))
    return tuple(found)


def _read(variable: str, text: str, options: Mapping[str, Option]) -> tuple[Option, str]:
    if variable in options:
        return options[variable], text
    named = variable.removesuffix("_FILE")
    if named == variable or named not in options:
        raise SettingsError(f"{variable} is not an option; `hestia config` lists them")
    try:
        return options[named], Path(text).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}: cannot read {text!r}: {error}") from None


def _convert(kind: Any, text: str, variable: str) -> object:
    if get_args(kind) and all(isinstance(choice, str) for choice in get_args(kind)):
        return _choice(get_args(kind), text, variable)
    convert = _CONVERTERS.get(kind)
    if convert is None:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return convert(text)
    except ValueError:
        raise SettingsError(f"{variable}={text!r} is not {_NOUNS[kind]}") from None


def _choice(choices: tuple[str, ...], text: str, variable: str) -> str:
    if text not in choices:
        raise SettingsError(f"{variable}={text!r} is not one of {', '.join(choices)}")
    return text


def _boolean(text: str) -> bool:
    if text.lower() in {"true", "1", "yes", "on"}:
        return True
    if text.lower() in {"false", "0", "no", "off"}:
        return False
    raise ValueError(text)


_CONVERTERS: dict[object, Callable[[str], object]] = {
    int: int,
    str: str,
    bool: _boolean,
    Path: Path,
}
_NOUNS: dict[object, str] = {int: "a whole number", bool: "true or false"}


def _check(settings: Settings) -> None:
    for name, low, high in (
        ("port", 0, 65_535),
        ("workers", 0, 256),
        ("database_connections", 1, 64),
        ("statement_timeout", 1, 3_600),
        ("max_body", 1_000, 2_000_000_000),
        ("page_size", 1, 1_000),
        ("max_page_size", 1, 10_000),
    ):
        value = getattr(settings, name)
        if not low <= value <= high:
            raise SettingsError(f"{PREFIX}{name.upper()}={value} is not between {low} and {high}")
    if not settings.tenants or not all(TENANT.fullmatch(tenant) for tenant in settings.tenants):
        raise SettingsError("HESTIA_TENANTS must be names like 'default' or 'north-hospital'")
    if settings.key and len(settings.key) < 32:
        raise SettingsError("HESTIA_KEY must have at least 32 characters")
    if settings.url and not _is_origin(settings.url):
        raise SettingsError("HESTIA_URL must be an origin such as https://fhir.example.org")
    if settings.database_url and not settings.database_url.startswith(
        ("postgresql://", "postgres://")
    ):
        raise SettingsError("HESTIA_DATABASE_URL must start with postgresql://")


def _is_origin(url: str) -> bool:
    parts = urlsplit(url)
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.path in {"", "/"}
        and not parts.query
        and not parts.fragment
        and not parts.username
    )


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value).lower() if isinstance(value, bool) else str(value)


OPTIONS = _options()
