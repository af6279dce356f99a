"""The command line: each command parses its arguments, makes one call to a use case, and prints."""

from cleaner.cli.shell import main

__all__ = ["main"]
