"""
Finding the configuration file and reading it, all its faults reported together.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Final

from cleaner.config import mailboxes, sections, service
from cleaner.config.settings import Settings
from cleaner.config.table import Table
from cleaner.errors import ConfigurationError, UsageError
from cleaner.values import Policy

VARIABLE: Final = "BOUNCE_CLEANER_CONFIG"
PLACES: Final = (Path("cleaner.toml"), Path("/etc/bounce-cleaner/cleaner.toml"))


def find(argument: Path | None = None) -> Path:
    """The configuration file: as given, as the environment says, else where one usually lies."""
    if argument is not None:
        return argument
    if named := os.environ.get(VARIABLE):
        return Path(named)
    for place in PLACES:
        if place.is_file():
            return place
    raise UsageError(
        f"there is no configuration: neither {PLACES[0]} in this folder nor {PLACES[1]}. "
        "Write one with 'bounce-cleaner init', or name it: bounce-cleaner -c FILE …"
    )


def load(path: Path) -> Settings:
    """Reads and checks the file. Raises ConfigurationError with every fault."""
    path = path.absolute()
    faults: list[str] = []
    top = Table(_parse(path), "", faults)
    base = path.parent
    store = sections.store(top.table("store"), base)
    lookups = sections.lookups(top.table("lookups"))
    organisations, secret_keys = sections.organisations(top.tables("organisation"), base)
    if not organisations and "organisation" not in top:
        top.fault("organisation", "at least one is needed; write [[organisation]] with its name and domains")
    servers = sections.servers(top.tables("server"), base)
    policy = sections.policy(top.table("policy"), Policy())
    safety = sections.safety(top.table("safety"))
    models = sections.models(top.table("models"), base)
    labels = sections.labels(top.table("labels"))
    alarms = sections.alarms(top.table("alarms"), base)
    serving = top.table("service")
    served = service.read(serving)
    sections.close(serving)
    frame = mailboxes.Frame(base, organisations, servers, policy)
    found = mailboxes.read(top.tables("mailbox"), frame)
    sections.close(top)
    if faults:
        raise ConfigurationError(str(path), faults)
    return Settings(
        path,
        store,
        organisations,
        servers,
        policy,
        safety,
        found,
        secret_keys,
        models,
        lookups,
        labels,
        alarms,
        served,
    )


def _parse(path: Path) -> dict[str, object]:
    try:
        text = path.read_text("utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        fault = f"there is no such file; write one with: bounce-cleaner init {path}"
    except UnicodeDecodeError as error:
        fault = f"is not UTF-8 text at byte {error.start}; save it as UTF-8"
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    except tomllib.TOMLDecodeError as error:
        fault = f"is not valid TOML: {error}; texts need quotes, lists need [ ]"
    except RecursionError:
        fault = "is nested too deeply"
    raise ConfigurationError(str(path), [fault])
