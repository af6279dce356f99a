"""Progress of long work, on standard error, and only when that is a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cleaner.cli.screen import remark, remarks
from cleaner.cli.text import safe


class Lines:
    """
    A line on standard error for each stage, and for each tenth of it: for a log.
    """

    def __init__(self) -> None:
        self._told: tuple[str, int] | None = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else 0
        if self._told == (stage, tenth):
            return
        self._told = stage, tenth
        of = f" {done:,} of {total:,}" if total else ""
        remark(f"{stage}{of}")


class Bar:
    """
    A progress bar that is told `(stage, done, total)`.

    It shows itself when it is told something and goes away without a trace when `clear` is called, as
    it must be before anything else is printed.
    """

    def __init__(self) -> None:
        self._console = remarks()
        self._progress: Progress | None = None
        self._stages: dict[str, TaskID] = {}

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if not self._console.is_terminal:
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        if stage not in self._stages:
            for task in self._stages.values():
                self._progress.remove_task(task)
            self._stages = {stage: self._progress.add_task(safe(stage, 60), total=total)}
        self._progress.update(self._stages[stage], completed=done, total=total)

    def clear(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress = None
        self._stages = {}
