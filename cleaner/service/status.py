"""What runs and what waits: the use case behind `status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cleaner import __version__, evidence
from cleaner.evidence.closure import Closure
from cleaner.service.context import Context
from cleaner.service.drift import Drift, drifts
from cleaner.service.models import model_for
from cleaner.service.runs import latest_runs
from cleaner.service.senders import closures
from cleaner.service.shadow import Beside, candidates
from cleaner.steps.lines import iso
from cleaner.store.records import Run, Turn
from cleaner.values import ActionName, Alarm, EntryState, Opinion, address_key


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """One mailbox at a glance."""

    address: str
    consent: str
    preview_until: datetime | None
    sent_mails: int
    judged: int
    waiting: int
    """Notices that are looked at again later."""
    unsure: int
    moved: int
    """In the quarantine or the trash by our doing, and not taken back."""
    open: int
    """Changes that an interrupted run left; the next scan completes them."""
    alarms: tuple[Alarm, ...] = ()
    """Days of the last week on which somebody else may have sent from it."""
    turn: Turn | None = None
    """Its place in the schedule of `serve`."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the safety limit holds back in one mailbox, until somebody answers."""

    run: str
    mailbox: str
    held: int

    def as_json(self) -> dict[str, object]:
        return {"run": self.run, "mailbox": self.mailbox, "held": self.held}


@dataclass(frozen=True, slots=True)
class Status:
    version: str
    store: str
    mailboxes: tuple[MailboxStatus, ...]
    runs: tuple[Run, ...]
    revision: str = ""
    """Of the database."""
    models: tuple[tuple[str, str | None], ...] = ()
    """Each organisation with the model that judges for it; None: the rules alone."""
    drift: tuple[Drift, ...] = ()
    """How each organisation's model fits what arrives."""
    candidates: tuple[Beside, ...] = ()
    """Models that judge along."""
    senders: tuple[tuple[str, Closure], ...] = ()
    """Organisation, and whether the senders of each of its domains are a closed set, as far as it is remembered."""
    stopped: tuple[Stopped, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "version": self.version,
            "store": self.store,
            "revision": self.revision,
            "models": dict(self.models),
            "drift": [one.as_json() for one in self.drift],
            "candidates": [one.as_json() for one in self.candidates],
            "senders": [
                {
                    "domain": one.domain,
                    "closed": one.is_closed,
                    "by": "policy" if one.by_policy else "word" if one.by_word else None,
                    "because": one.because or None,
                    "outside": [str(host) for host in one.outside_senders],
                }
                for _, one in self.senders
            ],
            "stopped": [one.as_json() for one in self.stopped],
            "mailboxes": [
                {
                    "address": m.address,
                    "consent": m.consent,
                    "preview_until": iso(m.preview_until),
                    "sent_mails": m.sent_mails,
                    "judged": m.judged,
                    "waiting": m.waiting,
                    "unsure": m.unsure,
                    "moved": m.moved,
                    "open": m.open,
                    "alarms": [str(alarm) for alarm in m.alarms],
                    "next": iso(m.turn.due) if m.turn else None,
                    "failures": m.turn.failures if m.turn else 0,
                    "error": m.turn.error if m.turn else None,
                }
                for m in self.mailboxes
            ],
            "runs": [run.as_json() for run in self.runs],
        }


def status(context: Context, *, runs: int = 5) -> Status:
    """The state of every mailbox, and the latest runs."""
    turns = {turn.address: turn for turn in context.store.schedule.all()}
    return Status(
        version=__version__,
        store=context.settings.store.url,
        mailboxes=tuple(
            _mailbox(context, m.address, turns.get(address_key(m.address)))
            for m in context.settings.mailboxes
        ),
        runs=latest_runs(context, runs),
        revision=context.store.revision,
        models=tuple((o.name, _model(context, o.name)) for o in context.settings.organisations),
        drift=drifts(context),
        candidates=candidates(context),
        senders=tuple(
            (organisation.name, closure)
            for organisation in context.settings.organisations
            if not organisation.shared
            for closure in closures(context, organisation.name, asks=False)
        ),
        stopped=tuple(
            Stopped(run, address, context.store.seen(address).held())
            for run, address in context.store.runs.unconfirmed()
        ),
    )


def _model(context: Context, organisation: str) -> str | None:
    model = model_for(context, organisation)
    return model.name if model is not None else None


def _mailbox(context: Context, address: str, turn: Turn | None) -> MailboxStatus:
    consent = context.store.consent.current(address)
    counts = context.store.seen(address).counts()
    entries = context.store.entry_counts(address)
    return MailboxStatus(
        address=address,
        consent=consent.state.value if consent else "not asked",
        preview_until=consent.preview_until if consent else None,
        sent_mails=context.store.sent_record(address).mails(),
        judged=sum(counts.values()),
        waiting=sum(n for (_, action), n in counts.items() if action is ActionName.WAIT),
        unsure=sum(n for (opinion, _), n in counts.items() if opinion is Opinion.UNSURE),
        moved=entries.get(EntryState.DONE, 0),
        open=sum(n for state, n in entries.items() if state.is_open),
        alarms=evidence.alarms(context.store.seen(address).lessons(frozenset()), context.clock().date()),
        turn=turn,
    )
