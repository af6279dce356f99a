"""
The forms that a value in the file may have.

Each takes what TOML gave and returns what the program works with, or raises ValueError with a
sentence that says what is wrong and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

from cleaner.config.secret import SCHEMES, Secret
from cleaner.config.urls import parts_of
from cleaner.values import IPNetwork

T = TypeVar("T")
Form: TypeAlias = Callable[[object], T]

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,9})([smhdw])")
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?|_[\w-]{1,62}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}|[{}]")
_LONGEST: Final = timedelta(days=36_500)


def show(value: object) -> str:
    """A value as it stands in the file, short enough to be quoted."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:59]}…"'
        case list() | tuple():
            return "a list"
        case Mapping():
            return "a table"
        case _:
            return str(value)[:60]


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f'must be a text in quotes; write "{value}"' if _is_plain(value) else "must be a text"
        )
    if not value.strip():
        raise ValueError("must not be empty; leave the key out to get its default")
    if not value.isprintable():
        raise ValueError("must not hold line breaks or other control characters")
    return value.strip()


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false, without quotes")
    return value


def whole(least: int, most: int) -> Form[int]:
    """A whole number between the two, both included."""

    def form(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, without quotes")
        return value

    return form


def share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError("must be a share above 0 and up to 1; write for example 0.5 for a half")
    return float(value)


def among(meanings: Mapping[str, T]) -> Form[T]:
    """One of a few words, each with what it stands for."""

    def form(value: object) -> T:
        if isinstance(value, str) and value in meanings:
            return meanings[value]
        raise ValueError(f"{show(value)} is not possible; write one of {', '.join(map(show, meanings))}")

    return form


def duration(value: object) -> timedelta:
    """`90s 15m 2h 7d 4w`; zero switches off."""
    if value in (0, "0") and not isinstance(value, bool):
        return timedelta(0)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f'{show(value)} is no duration; write for example "90s", "15m", "2h", "7d" or "4w", or 0'
        )
    length = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if length > _LONGEST:
        raise ValueError(f"{show(value)} is too long; write 0 to switch it off")
    return length


def some_duration(value: object) -> timedelta:
    """A duration that cannot be switched off."""
    length = duration(value)
    if not length:
        raise ValueError('must not be 0; write for example "5s"')
    return length


def days(least: int, most: int) -> Form[int]:
    """A duration of whole days between the two, both included."""

    def form(value: object) -> int:
        length = duration(value)
        if length % timedelta(days=1) or not least <= length.days <= most:
            raise ValueError(f'{show(value)} is not possible; write whole days from "{least}d" to "{most}d"')
        return length.days

    return form


def some_time(value: object) -> timedelta:
    """A duration that cannot be switched off."""
    length = duration(value)
    if not length:
        raise ValueError('cannot be switched off; write for example "60s"')
    return length


def separator(value: object) -> str:
    """What stands between two names; may be empty."""
    if not isinstance(value, str) or len(value) > 8 or not value.isprintable() or " " in value:
        raise ValueError('must be a few characters in quotes, or empty; write for example "*"')
    return value


def domain(value: object) -> str:
    name = text(value).casefold().rstrip(".")
    if "@" in name:
        raise ValueError(
            f"{show(value)} is an address; write the domain alone: {show(name.rpartition('@')[2])}"
        )
    if "*" in name:
        raise ValueError(f"{show(value)}: write every domain out, without *")
    if not _is_host(name):
        raise ValueError(f'{show(value)} is not a domain; write for example "harbor.example"')
    return name


def address(value: object) -> str:
    written = text(value)
    local, at, host = written.rpartition("@")
    # RFC 5321 section 4.1.2: only a quoted local part holds a further @.
    is_local = bool(local) and ("@" not in local or local.startswith('"'))
    if not at or not is_local or not _is_host(host.casefold()) or any(c in " <>,;" for c in written):
        raise ValueError(f'{show(value)} is not an address; write for example "ann@harbor.example"')
    return written


def network(value: object) -> IPNetwork:
    written = text(value)
    try:
        return ip_network(written)
    except ValueError:
        pass
    try:
        whole_network = ip_network(written, strict=False)
    except ValueError:
        raise ValueError(
            f'{show(value)} is no network; write for example "203.0.113.0/24" or "2001:db8::/32"'
        ) from None
    raise ValueError(f"{show(value)} is one address inside a network; write {show(str(whole_network))}")


def relay(value: object) -> str | IPNetwork:
    """A host name, an address or a network."""
    written = text(value)
    if ":" in written or "/" in written or written.replace(".", "").isdigit():
        return network(value)
    name = written.casefold().rstrip(".")
    if not _is_host(name):
        raise ValueError(
            f"{show(value)} is neither a host name nor an address or network; "
            'write for example "mx1.harbor.example", "192.0.2.10" or "198.51.100.0/24"'
        )
    return name


def host(value: object) -> str:
    written = text(value)
    if "://" in written:
        raise ValueError(f"{show(value)} is a URL; write the host alone: {show(urlsplit(written).hostname)}")
    found = relay(value)
    if not isinstance(found, str) and found.num_addresses > 1:
        raise ValueError(f'{show(value)} is a network; write for example "imap.harbor.example"')
    return found if isinstance(found, str) else str(found.network_address)


def web_address(value: object) -> str:
    """A URL with a host, and without a user or password in it."""
    written = text(value)
    parts = parts_of(written)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f'{show(value)} is no web address; write for example "https://mail.harbor.example/…"'
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password; they have keys of their own")
    return written


def nameserver(value: object) -> tuple[str, int]:
    """An address, with its port where that is not 53."""
    written = text(value)
    bare, port = written, "53"
    if written.startswith("[") or written.count(":") == 1:
        bare, _, port = written.rpartition(":") if not written.endswith("]") else (written, "", "53")
    try:
        found = ip_address(bare.removeprefix("[").removesuffix("]"))
        if not 1 <= int(port) <= 65_535:
            raise ValueError
    except ValueError:
        raise ValueError(
            f'{show(value)} is no address of a name server; write for example "192.0.2.53" or "192.0.2.53:5353"'
        ) from None
    return str(found), int(port)


def folder(value: object) -> str:
    """A folder by its full name; the inbox, however it is spelled, is INBOX (RFC 3501 section 5.1)."""
    name = text(value)
    if any(level in ("", ".", "..") for level in name.split("/")):
        raise ValueError(f'{show(value)} is not a folder name; write its levels as "Parent/Child"')
    return "INBOX" if name.casefold() == "inbox" else name


def pattern(value: object) -> str:
    written = text(value)
    if "@" not in written:
        raise ValueError(f'{show(value)} matches no address; write for example "{written.strip("@")}@*"')
    return written


def key_id(value: object) -> str:
    """A name that can stand in a header field as it is."""
    written = text(value)
    if not _KEY_ID.fullmatch(written):
        raise ValueError(f'{show(value)} is not possible; write letters and digits, for example "2026a"')
    return written


def secret(base: Path) -> Form[Secret]:
    """A reference to a secret. What is written instead of one may be the secret: it is not quoted."""

    def form(value: object) -> Secret:
        written = text(value)
        scheme, colon, place = written.partition(":")
        if not colon or scheme not in SCHEMES:
            raise ValueError(
                "a secret does not stand in this file; use env:NAME or file:PATH to say where it is"
            )
        if not place.strip() or (scheme == "keyring" and not all(place.rpartition("/")[::2])):
            raise ValueError(
                "says no place; write one of "
                "env:NAME, file:PATH, credential:NAME, keyring:SERVICE/USER, command:PROGRAM"
            )
        if scheme == "credential" and "/" in place:
            raise ValueError("names a credential of systemd; for a path write file:PATH")
        return Secret(f"{scheme}:{place.strip()}", base)

    return form


def document(base: Path) -> Form[Secret]:
    """A secret of several lines: the path of its file, or a reference."""
    reference = secret(base)

    def form(value: object) -> Secret:
        written = text(value)
        if written.lstrip().startswith(("-----BEGIN", "{")):
            raise ValueError("a secret does not stand in this file; write the path of its file")
        return reference(written if written.partition(":")[0] in SCHEMES else f"file:{written}")

    return form


def webhook(base: Path) -> Form[str | Secret]:
    """An https address, or a reference to one: the address may be all that protects it. It is not quoted."""
    reference = secret(base)

    def form(value: object) -> str | Secret:
        written = text(value)
        if written.partition(":")[0] in SCHEMES:
            return reference(written)
        parts = parts_of(written)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError('must be an https address, or say where it stands: write "env:ALARM_WEBHOOK"')
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "must not hold a user or password; write webhook_token, or a reference like env:NAME"
            )
        return written

    return form


def maildir_path(base: Path) -> Form[str]:
    """A path with placeholders, made absolute."""

    def form(value: object) -> str:
        written = text(value)
        for placeholder in _PLACEHOLDER.findall(written):
            if placeholder not in ("{address}", "{local}", "{domain}"):
                raise ValueError(
                    f"{placeholder} is not known here; write {{address}}, {{local}} or {{domain}}"
                )
        return str(base / Path(written).expanduser())

    return form


def file(base: Path) -> Form[Path]:
    def form(value: object) -> Path:
        return base / Path(text(value)).expanduser()

    return form


def store_url(base: Path) -> Form[str]:
    """A database; the path of a SQLite file is relative to the configuration."""

    def form(value: object) -> str:
        written = text(value)
        if written.startswith("sqlite:///") and len(written) > len("sqlite:///"):
            return f"sqlite:///{base / Path(written.removeprefix('sqlite:///')).expanduser()}"
        if written.startswith("sqlite:"):
            raise ValueError('write the file after three slashes, like "sqlite:///state.db"')
        if not written.startswith("postgresql://"):
            raise ValueError(
                'must name a SQLite file or a PostgreSQL database; write "sqlite:///state.db" or "postgresql://…"'
            )
        if _has_password(written):
            raise ValueError("must not hold a password; take it out and put it into ~/.pgpass")
        try:
            _ = urlsplit(written).port
        except ValueError:
            raise ValueError(
                "has no number of a port after the host; write postgresql://USER@HOST:5432/DATABASE"
            ) from None
        return written

    return form


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return True  # unreadable, so perhaps: never quote it, never take it
    return parts.password is not None or "password=" in parts.query.casefold()


def _is_host(name: str) -> bool:
    return 0 < len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
