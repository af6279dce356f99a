"""
Reading one table of the file, and collecting what is wrong with it.

A key is asked for together with the form its value must have (`cleaner.config.forms`). A wrong value
becomes a fault and the default stands in, so that reading goes on and all faults are reported
together. What nobody asked for is an unknown key.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from cleaner.config.forms import Form, show

T = TypeVar("T")


class Table:
    """One table of the configuration while it is being read."""

    def __init__(self, values: Mapping[str, object], where: str, faults: list[str]) -> None:
        self.where = where
        """What faults call it: `policy`, `organisation[0]`, `mailbox "ann@harbor.example"`."""
        self.faults = faults
        self._values = values
        self._asked: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def name(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def fault(self, key: str, sentence: str) -> None:
        """Notes what is wrong with the value of a key and what to write instead."""
        self.faults.append(f"{self.name(key)}: {sentence}")

    def peek(self, key: str) -> object:
        """The value as it stands, unchecked, for naming the table."""
        return self._values.get(key)

    def one(self, key: str, form: Form[T], default: T) -> T:
        """The value of a key, or the default where it is missing or wrong."""
        self._asked[key] = None
        if key not in self._values:
            return default
        try:
            return form(self._values[key])
        except ValueError as error:
            self.fault(key, str(error))
            return default

    def required(self, key: str, form: Form[T], default: T, example: str) -> T:
        """Like `one`; that the key is missing is a fault, too. The default stands in until it is reported."""
        if key not in self._values:
            self.fault(key, f"is missing; write for example {key} = {example}")
        return self.one(key, form, default)

    def many(self, key: str, form: Form[T], default: Sequence[T] = ()) -> tuple[T, ...]:
        """The items of a list, each in the given form; the wrong ones are faults by their place in it."""
        self._asked[key] = None
        if key not in self._values:
            return tuple(default)
        values = self._values[key]
        if not isinstance(values, list | tuple):
            self.fault(key, f"must be a list; write {key} = [{show(values)}]")
            values = [values]
        items = []
        for place, value in enumerate(values):
            try:
                items.append(form(value))
            except ValueError as error:
                self.fault(f"{key}[{place}]", str(error))
        return tuple(items)

    def table(self, key: str) -> Table:
        """A table inside this one; empty where it is missing."""
        self._asked[key] = None
        value = self._values.get(key, {})
        if not isinstance(value, Mapping):
            double = isinstance(value, list) and value and isinstance(value[0], Mapping)
            self.fault(key, f"is one table; write [{key}]" + (", with single brackets" if double else ""))
            value = {}
        return Table(value, self.name(key), self.faults)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The tables of a list of tables; none where it is missing."""
        self._asked[key] = None
        values = self._values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
            self.fault(key, f"there may be several; write [[{key}]], with double brackets")
            return ()
        return tuple(
            Table(value, self.name(f"{key}[{place}]"), self.faults) for place, value in enumerate(values)
        )

    def close(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """
        Reports the keys that nobody asked for.

        `elsewhere` names, for keys that are at home in another table, how that is written.
        """
        for key in self._values:
            if key in self._asked:
                continue
            near = difflib.get_close_matches(key, self._asked, n=1)
            if elsewhere and key in elsewhere:
                self.fault(key, f"does not belong here; write it under {elsewhere[key]}")
            elif near:
                self.fault(key, f"there is no such key; did you mean {near[0]}?")
            else:
                self.fault(key, f"there is no such key; here may stand {', '.join(self._asked)}")
