"""
Secrets, kept as the place where they stand and read only when they are needed.

    env:NAME               an environment variable
    file:PATH              the first line of a file, relative to the configuration file
    credential:NAME        what systemd hands over (LoadCredential=, systemd.exec(5))
    keyring:SERVICE/USER   the desktop's key ring, through the package `keyring`
    command:PROGRAM ARG…   the first line that a program prints; run without a shell
"""

from __future__ import annotations

import base64
import importlib
import os
import secrets
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleaner.errors import SecretUnavailableError

SCHEMES: Final = ("env", "file", "credential", "keyring", "command")
COMMAND_SECONDS: Final = 30
MAX_SECRET_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret; its text is never kept, shown or logged."""

    reference: str
    base: Path = Path()
    """The folder that `file:` paths are relative to."""

    @property
    def scheme(self) -> str:
        return self.reference.partition(":")[0]

    @property
    def place(self) -> str:
        """What follows the scheme: the variable, path, name or command."""
        return self.reference.partition(":")[2]

    @property
    def file(self) -> Path | None:
        """The file that holds it, where it stands in one."""
        if self.scheme == "file":
            return self.base / Path(self.place).expanduser()
        if self.scheme == "credential" and (folder := os.environ.get("CREDENTIALS_DIRECTORY")):
            return Path(folder) / self.place
        return None

    def reveal(self) -> str:
        """The secret itself, without its line end. Raises SecretUnavailableError, which says what to do."""
        line = self._text().split("\n", 1)[0].rstrip("\r")
        if not line:
            raise SecretUnavailableError(self.reference, "it is empty; put the secret there, on one line")
        return line

    def document(self) -> str:
        """The same for a secret of several lines: a certificate with its key, a key in JSON."""
        return self._text()

    def _text(self) -> str:
        match self.scheme:
            case "env":
                return self._from_environment()
            case "keyring":
                return self._from_keyring()
            case "command":
                return self._from_command()
            case _:
                return self._from_file()

    def exposure(self) -> str | None:
        """Who else may read the secret's file, and the remedy; None where nobody can, or it is no file."""
        if self.scheme != "file" or (file := self.file) is None:
            return None
        try:
            mode = file.stat().st_mode
        except OSError:
            return None
        if not mode & 0o077:
            return None
        return f"{file} can be read by others on this machine; run: chmod 600 {shlex.quote(str(file))}"

    def _from_environment(self) -> str:
        try:
            return os.environ[self.place]
        except KeyError:
            raise SecretUnavailableError(
                self.reference, f"the environment variable {self.place} is not set; set it before the start"
            ) from None

    def _from_file(self) -> str:
        file = self.file
        if file is None:
            raise SecretUnavailableError(
                self.reference,
                "the program was not started by systemd with credentials; "
                f"add LoadCredential={self.place}:PATH to its unit, or use file:PATH",
            )
        try:
            with file.open("rb") as stream:
                return stream.read(MAX_SECRET_BYTES).decode("utf-8")
        except FileNotFoundError:
            remedy = f"there is no file {file}; put it there, or correct the path"
            if file.name == "master.key":
                remedy += " ('bounce-cleaner init' makes a master key that never was)"
        except PermissionError:
            remedy = f"{file} may not be read by this user; give its ownership to the user that runs this"
        except UnicodeDecodeError:
            remedy = f"{file} does not hold text"
        except OSError as error:
            remedy = f"{file} cannot be read ({error.strerror})"
        raise SecretUnavailableError(self.reference, remedy)

    def _from_keyring(self) -> str:
        service, _, user = self.place.rpartition("/")
        try:
            keyring = importlib.import_module("keyring")
        except ImportError:
            raise SecretUnavailableError(
                self.reference, "the package keyring is not installed; run: pip install keyring"
            ) from None
        try:
            password: str | None = keyring.get_password(service, user)
        except Exception as error:
            # Each desktop's key ring raises classes of its own; none of them is importable here.
            raise SecretUnavailableError(
                self.reference, f"the key ring cannot be opened ({type(error).__name__}); unlock it"
            ) from None
        if password is None:
            raise SecretUnavailableError(
                self.reference, f"the key ring has no such entry; run: keyring set {service} {user}"
            )
        return password

    def _from_command(self) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the administrator's own command, run without a shell
                shlex.split(self.place),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_SECONDS,
                cwd=self.base,
                check=True,
            )
            return done.stdout[:MAX_SECRET_BYTES].decode("utf-8")
        except FileNotFoundError:
            remedy = "the program is not there; give its full path"
        except subprocess.TimeoutExpired:
            remedy = f"the program did not end within {COMMAND_SECONDS} seconds; does it wait for an answer?"
        except subprocess.CalledProcessError as error:
            remedy = f"the program failed with status {error.returncode}; try it by hand"
        except UnicodeDecodeError:
            remedy = "the program did not print text"
        except OSError as error:
            remedy = f"the program cannot be started ({error.strerror})"
        raise SecretUnavailableError(self.reference, remedy)


def make_key(path: Path) -> bool:
    """Makes a master key, 32 random bytes in a file only its owner can read; False if the file is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.urlsafe_b64encode(secrets.token_bytes(32)) + b"\n")
        stream.flush()
        os.fsync(descriptor)
    return True
