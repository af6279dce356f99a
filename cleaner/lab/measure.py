"""
What judging does in each circumstance: genuine notices that would be moved, and backscatter that would.

The world is read once. A circumstance reads again only what it rewrites, and then everything is judged as `evaluate`
judges it: all messages of a mailbox together, with what the proven ones teach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleaner.classifier import Model
from cleaner.errors import UsageError
from cleaner.lab.circumstances import Circumstance, circumstances
from cleaner.lab.scene import Box, Scene, Step, scenes
from cleaner.lab.strangers import apart
from cleaner.service.evaluate import (
    Figures,
    Judgement,
    Share,
    beside,
    figures,
    is_mistake,
    judge_house,
    labelled,
)
from cleaner.store import Store

FLOOD = "joe-job"
"""The tag of what comes in one burst."""

Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """One circumstance, and what came of it in all worlds together."""

    circumstance: Circumstance
    lost: Share
    """Genuine notices that would be moved."""
    ordinary: Share
    """Ordinary messages that would be moved."""
    removed: Share
    """Of the decidable backscatter."""
    flood: Share
    """The same of what is tagged `joe-job`."""
    unsure: Share
    mistakes: tuple[str, ...] = ()
    """Files of what was lost, and of ordinary messages moved."""

    @property
    def must_lose_nothing(self) -> bool:
        return self.circumstance.policy.must_lose_nothing

    def to_json(self) -> dict[str, Any]:
        about = self.circumstance
        return {
            "circumstance": about.name,
            "sentence": about.sentence,
            "family": about.family,
            "policy": about.policy.value,
            "lost": self.lost.to_json(),
            "ordinary_moved": self.ordinary.to_json(),
            "removed": self.removed.to_json(),
            "removed_joe_job": self.flood.to_json(),
            "unsure": self.unsure.to_json(),
            "mistakes": list(self.mistakes),
        }


def measure(
    paths: Sequence[Path],
    scratch: Callable[[], Store],
    model: Model | None,
    *,
    only: Sequence[str] = (),
    watch: Watch = lambda *_: None,
) -> Iterator[Measured]:
    """Each circumstance in the order of the catalogue. Raises UsageError."""
    wanted = chosen(only)
    worlds = [Rewritten(world) for world in worlds_of(paths)]
    for number, circumstance in enumerate(wanted):
        watch("circumstances", number, len(wanted))
        judged = [one for world in worlds for one in judged_in(world(circumstance), scratch, model)]
        yield counted(circumstance, judged)


class Rewritten:
    """
    A world, and what it became in the circumstance before.

    Circumstances that differ in policy alone stand together in the catalogue and share their first steps.
    """

    def __init__(self, world: Scene) -> None:
        self._stages: list[tuple[Step | None, Scene]] = [(None, world)]

    def __call__(self, circumstance: Circumstance) -> Scene:
        shared = 1
        for (done, _), wanted in zip(self._stages[1:], circumstance.steps, strict=False):
            if done is not wanted:
                break
            shared += 1
        del self._stages[shared:]
        for step in circumstance.steps[shared - 1 :]:
            self._stages.append((step, step(self._stages[-1][1])))
        return self._stages[-1][1]


def worlds_of(paths: Sequence[Path]) -> tuple[Scene, ...]:
    """The labelled worlds under the paths, with third parties apart. Raises UsageError where there is none."""
    bags = [bag for bag in labelled(paths) if bag.owner.address and bag.messages]
    if not bags:
        raise UsageError(
            "circumstances rewrite whole worlds (world.json, labels.jsonl, mailboxes with their Sent folder); "
            "no such world is there"
        )
    return tuple(apart(scene) for scene in scenes(bags))


def chosen(only: Sequence[str]) -> tuple[Circumstance, ...]:
    """The circumstances of those names, or of those families. Raises UsageError."""
    known = circumstances()
    for name in only:
        if not any(_is_meant(one, name) for one in known):
            raise UsageError(f"there is no circumstance {name!r}; docs/circumstances.md lists them")
    return tuple(one for one in known if not only or any(_is_meant(one, name) for name in only))


def _is_meant(circumstance: Circumstance, name: str) -> bool:
    return name in (circumstance.name, circumstance.name.partition("/")[0], circumstance.family)


def bags(circumstance: Circumstance, world: Scene) -> tuple[Box, ...]:
    """The mailboxes of a world (`worlds_of`) in a circumstance: messages, notices, sent mail, owner, dns."""
    return circumstance(world).boxes


def judged_in(scene: Scene, scratch: Callable[[], Store], model: Model | None) -> Iterator[Judgement]:
    mailboxes = []
    for box in scene.boxes:
        read = tuple((letter.label, letter.notice) for letter in box.letters)
        mailboxes.append(beside(box.bag, read, scratch, copies=box.sent))
    yield from judge_house(mailboxes, model=model)


def counted(circumstance: Circumstance, judged: Sequence[Judgement]) -> Measured:
    found: Figures = figures(judged)
    flood = figures([one for one in judged if FLOOD in one.case.label.tags])
    return Measured(
        circumstance,
        found.lost,
        found.ordinary_removed,
        found.removed,
        flood.removed,
        found.unsure,
        tuple(str(one.case.label.path) for one in judged if is_mistake(one)),
    )
