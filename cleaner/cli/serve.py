"""`serve` and `worker`: until somebody ends them."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cleaner.cli.codes import PARTLY
from cleaner.cli.options import open_app
from cleaner.errors import CleanerError, UsageError

if TYPE_CHECKING:
    from cleaner.app import App
    from cleaner.service.serve import Observer, Serving
    from cleaner.service.serve.notify import Systemd

log = logging.getLogger(__name__)

BEAT: Final = 5.0
"""Seconds between looks at whether all is well, where systemd wants to hear nothing sooner."""


class Requests:
    """
    What was asked for by signals.

    A handler runs in the middle of whatever the main thread does, so that it may take no lock: it notes the
    request and writes to a pipe that the main thread waits at.
    """

    def __init__(self) -> None:
        self.end = False
        self.reload = False
        self.hurry: Callable[[], None] = lambda: None
        self._wakes, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def on_end(self, _number: int, _frame: FrameType | None) -> None:
        if self.end:
            self.hurry()
        self.end = True
        self._ring()

    def on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self.reload = True
        self._ring()

    def _ring(self) -> None:
        # A full pipe wakes, too.
        with suppress(BlockingIOError):
            os.write(self._wake, b".")

    def wait(self, seconds: float) -> None:
        """Until something is asked for, at most so long."""
        if select.select([self._wakes], [], [], seconds)[0]:
            os.read(self._wakes, 4096)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """While this lasts, signals are requests."""
        handlers = {
            signal.SIGTERM: self.on_end,
            signal.SIGINT: self.on_end,
            signal.SIGHUP: self.on_reload,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._wakes)
            os.close(self._wake)


def serve(
    context: typer.Context,
    schedule_only: Annotated[
        bool,
        typer.Option("--schedule-only", help="Leave the mailboxes to workers; for PostgreSQL."),
    ] = False,
) -> None:
    """
    Look after all opted-in mailboxes until it is ended.

    SIGTERM or Ctrl-C ends it, once what is at work is done; SIGHUP reads
    the configuration again. [service] of the configuration says how often
    mailboxes are looked at, and where /metrics and /healthz are.

    On PostgreSQL it is scheduler and worker, together with others on other
    machines: one of them schedules, all work.
    """

    def make(app: App, observers: Sequence[Observer]) -> Serving:
        from cleaner.service.serve import Service

        if app.context.store.is_shared or schedule_only:
            return fleet(app, observers, works=not schedule_only)
        return Service(app.context, observers)

    run(context, "serve", make)


def worker(
    context: typer.Context,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=200, help="Mailboxes at a time, instead of service.workers."),
    ] = None,
) -> None:
    """
    Do the work that `serve` gives out on another machine.

    Needs PostgreSQL as the store, and the same configuration and master
    key. Ended and reloaded like `serve`.
    """
    run(context, "worker", lambda app, observers: fleet(app, observers, schedules=False, workers=workers))


def fleet(
    app: App,
    observers: Sequence[Observer],
    *,
    schedules: bool = True,
    works: bool = True,
    workers: int | None = None,
) -> Serving:
    from cleaner.service.fleet import Fleet

    return Fleet(app.context, observers, schedules=schedules, works=works, workers=workers)


def run(context: typer.Context, command: str, make: Callable[[App, Sequence[Observer]], Serving]) -> None:
    """Has the process serve until it is told to end."""
    from cleaner.cli import logs

    try:
        from cleaner.web.metrics import Metrics
        from cleaner.web.outside import Outside
    except ModuleNotFoundError as error:
        raise needs_more(command, error) from error
    from cleaner.service.serve.notify import Systemd

    requests = Requests()
    with requests.heard(), open_app(context) as app:
        settings = app.context.settings.service
        logs.set_up(settings.log)
        tell_of_store(app)
        metrics = Metrics()
        try:
            service = make(app, (metrics,))
            metrics.watch(service)
            outside = Outside(service, metrics)
            if settings.listen is not None:
                outside.open(settings.listen)
            service.start()
        except ModuleNotFoundError as error:
            raise needs_more(command, error) from error
        requests.hurry = service.hurry
        systemd = Systemd()
        log.info("ready: %s", sentence(service))
        systemd.ready(sentence(service))
        try:
            look_after(app, service, systemd, requests)
        finally:
            systemd.stopping(settings.drain.total_seconds() + BEAT * 3)
            log.info("ending")
            is_over = service.stop()
            outside.close()
        if not is_over:
            log.warning("%d mailboxes do not answer; what was begun is completed later", service.running)
            sys.stderr.flush()
            # Their threads would keep the process alive; the journal knows what they had begun.
            os._exit(PARTLY)
        if service.fault is not None:
            raise service.fault
    log.info("ended")


def tell_of_store(app: App) -> None:
    store = app.context.store
    if store.upgraded_from is not None:
        log.warning(
            "the database was older (revision %s) and has been upgraded to %s",
            store.upgraded_from,
            store.revision,
        )
    if store.is_ahead:
        log.warning(
            "the database was upgraded by a newer version (revision %s), which this one can still work with",
            store.revision,
        )


def look_after(app: App, service: Serving, systemd: Systemd, requests: Requests) -> None:
    """Until an end is asked for, or it cannot go on."""
    pause = min(BEAT, systemd.watchdog / 3) if systemd.watchdog else BEAT
    while not requests.end and service.fault is None:
        requests.wait(pause)
        if requests.reload:
            requests.reload = False
            systemd.reloading()
            reload(app, service)
            systemd.ready(sentence(service))
        if service.health.is_alive:
            systemd.alive(sentence(service))


def reload(app: App, service: Serving) -> None:
    """With the configuration as it is now; a faulty one is told of, and the old one stays in force."""
    try:
        new = app.again()
    except CleanerError as error:
        log.error("the configuration is not taken over, the old one stays in force: %s", error)
        return
    old = service.context.settings.service
    service.use(new)
    log.info("the configuration was read again: %s", sentence(service))
    fixed = ("workers", "listen", "log")
    if changed := [name for name in fixed if getattr(old, name) != getattr(new.settings.service, name)]:
        log.warning("service.%s counts from the next start on", ", service.".join(changed))


def sentence(service: Serving) -> str:
    """How things are, in one line."""
    try:
        backlog = service.backlog()
    except CleanerError as error:
        return str(error)
    return (
        f"{backlog.mailboxes} mailboxes, {service.running} at work, {backlog.due} due, "
        f"{backlog.failing} failing"
    )


def needs_more(command: str, error: ModuleNotFoundError) -> UsageError:
    extra = "fleet" if command == "worker" else "serve"
    return UsageError(
        f"{command} needs the package {error.name}; install it: pip install 'bounce-cleaner[{extra}]'"
    )
