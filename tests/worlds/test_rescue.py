"""
A rescue stays a rescue: cut off after any command of a move, whatever the owner does then.

On a server that has MOVE, and on one where a message is copied first and then removed. However it went: each message
is there once, or where its owner put it; what the owner brought back stays; flags are what they were; nothing shows
that a message was being moved; and the journal agrees.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from cleaner.app import App
from cleaner.config import make_key
from cleaner.connectors.imap import connecting, session
from cleaner.errors import ServerUnavailableError, UsageError
from cleaner.service import consent
from cleaner.service.demo.letters import Office, forged, letter, via
from cleaner.service.demo.reports import exim, postfix
from cleaner.service.scan import ScanRequest, scan
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import Entry, EntryState
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.owner import Item, Owner, digest_of
from tests.servers.proxy import Cut, Proxy, between
from tests.service.hands import quiet
from tests.worlds.harbor import CONFIGURATION

QUARANTINE: Final = "Backscatter"
MARK: Final = "$BounceCleanerMoving"
NOW: Final = datetime.now(UTC).replace(microsecond=0)
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

KINDS: Final = {"MOVE": (), "COPY": ("MOVE",)}
"""What the server has, and which capabilities are hidden for that."""

FIRST: Final = {"MOVE": "UID MOVE ", "COPY": "UID STORE "}
"""The first command that changes anything."""

COMMANDS: Final = {"MOVE": 2, "COPY": 31}
"""How many there are from that one on; `test_every_command_is_cut_after` holds it to that."""

FLAGS: Final = ((), (), (), ("\\Deleted",), ("\\Flagged", "\\Seen", "work"))
"""Of the spurious notices."""

ALIKE: Final = 2
"""The number of the notice that is the same as the one before it."""


@cache
def public_key() -> str:
    return Office.new(NOW).public_record


@dataclass
class Mailbox:
    """One user with spurious notices, and the program that is to move them."""

    kind: str
    cut: Cut
    app: App
    owner: Owner
    proxy: Proxy
    before: dict[str, tuple[str, ...]]
    """Digest of each spurious notice → its flags."""
    delivered: Counter[str]
    genuine: str

    @property
    def address(self) -> str:
        return self.owner.user

    def scan(self) -> Exception | None:
        request = ScanRequest(mailboxes=(self.address,))
        (result,) = scan(self.app.context, request, quiet, lambda: False)
        return result.error

    def undo(self) -> Exception | None:
        request = UndoRequest(mailbox=self.address, since=EPOCH)
        try:
            (result,) = undo(self.app.context, request, quiet, lambda: False)
        except UsageError:
            return None
        assert result.failed == 0
        return result.error

    def entries(self, *states: EntryState) -> tuple[Entry, ...]:
        return self.app.context.store.entries(mailbox=self.address, states=states or None)

    def items(self, folder: str) -> list[Item]:
        """The spurious notices of a folder."""
        if folder not in self.owner.folders():
            return []
        return [item for item in self.owner.items(folder) if item.digest in self.before]

    def counts(self, folder: str) -> Counter[str]:
        return Counter(item.digest for item in self.items(folder))

    def all(self) -> Counter[str]:
        return Counter(item.digest for folder in self.owner.folders() for item in self.items(folder))


def installed(root: Path, server: Dovecot, proxy: Proxy, owner: Owner) -> Path:
    (root / "password").write_text(PASSWORD)
    make_key(root / "master.key")
    lines = (
        'name = "harbor"',
        'connector = "imap"',
        'host = "127.0.0.1"',
        f"port = {proxy.port}",
        'tls = "none"',
        "",
        "[[mailbox]]",
        f'address = "{owner.user}"',
        'server = "harbor"',
        'password = "file:password"',
    )
    text = CONFIGURATION.format(
        store="sqlite:///state.db", public_key=public_key(), policy="", service="", server="\n".join(lines)
    )
    (root / "cleaner.toml").write_text(text)
    return root / "cleaner.toml"


def fill(owner: Owner) -> tuple[dict[str, tuple[str, ...]], Counter[str], str]:
    """Something sent, one genuine notice that its owner marked as deleted, and five spurious ones."""
    user, early = owner.user, NOW - timedelta(days=2)
    for folder in ("Sent", "Archive"):
        owner.make(folder)
    copy = letter(early, user, "first@far.example", "The first", "f1")
    owner.deliver("Sent", copy, early)
    genuine = postfix(NOW, user, "first@far.example", via(copy, early, "mx.far.example"))
    owner.deliver("INBOX", genuine, NOW, ("\\Deleted",))
    before: dict[str, tuple[str, ...]] = {}
    delivered: Counter[str] = Counter()
    for number, flags in enumerate(FLAGS):
        which = number - (number == ALIKE)
        report = exim if which % 2 else postfix
        at = NOW - timedelta(hours=which + 1)
        raw = report(
            at, user, f"r{which}@far.example", forged(at, user, f"r{which}@far.example", "Watches", which)
        )
        owner.deliver("INBOX", raw, at, flags)
        before[digest_of(raw)] = flags
        delivered[digest_of(raw)] += 1
    return before, delivered, digest_of(genuine)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "PAUSES", tuple(0.0 for _ in connecting.PAUSES))
    monkeypatch.setattr(session, "PAUSES", tuple(0.0 for _ in session.PAUSES))


@pytest.fixture
def mailbox(request: pytest.FixtureRequest, dovecot: Dovecot, tmp_path: Path) -> Iterator[Mailbox]:
    kind, number = request.param
    with (
        closing(dovecot.owner(dovecot.new_user())) as owner,
        between(dovecot.port, without=KINDS[kind], records=True) as proxy,
    ):
        path = installed(tmp_path, dovecot, proxy, owner)
        before, delivered, genuine = fill(owner)
        with App.open(path) as app:
            consent.opt_in(app.context, consent.NewMailbox(owner.user))
            yield Mailbox(kind, Cut(FIRST[kind], number), app, owner, proxy, before, delivered, genuine)


# --- what the owner does, with a mail program of their own


def moved(owner: Owner, items: Sequence[Item], source: str, target: str) -> None:
    if items:
        owner._select(source)
        owner._ok(owner.imap.uid("MOVE", ",".join(item.uid for item in items), owner.name_of(target)))
        owner._leave()


def copied(owner: Owner, items: Sequence[Item], source: str, target: str) -> None:
    """As many programs move: what is left behind is marked as deleted, until somebody tidies up."""
    if items:
        uids = ",".join(item.uid for item in items)
        owner._select(source)
        owner._ok(owner.imap.uid("COPY", uids, owner.name_of(target)))
        owner._ok(owner.imap.uid("STORE", uids, "+FLAGS", "(\\Deleted)"))
        owner._leave()


def nothing(_: Mailbox) -> None:
    """The owner has not seen anything."""


def brings_back(box: Mailbox) -> None:
    moved(box.owner, box.items(QUARANTINE), QUARANTINE, "INBOX")


def brings_one_back(box: Mailbox) -> None:
    moved(box.owner, box.items(QUARANTINE)[:1], QUARANTINE, "INBOX")


def brings_back_by_copying(box: Mailbox) -> None:
    copied(box.owner, box.items(QUARANTINE), QUARANTINE, "INBOX")


def brings_back_by_way_of_the_archive(box: Mailbox) -> None:
    moved(box.owner, box.items(QUARANTINE), QUARANTINE, "Archive")
    moved(box.owner, box.items("Archive"), "Archive", "INBOX")


def deletes_in_the_quarantine(box: Mailbox) -> None:
    for item in box.items(QUARANTINE):
        box.owner.delete(QUARANTINE, item.uid)


def deletes_in_the_inbox(box: Mailbox) -> None:
    for item in box.items("INBOX"):
        box.owner.delete("INBOX", item.uid)


def moves_on(box: Mailbox) -> None:
    moved(box.owner, box.items(QUARANTINE), QUARANTINE, "Archive")


def files_the_originals(box: Mailbox) -> None:
    moved(box.owner, box.items("INBOX"), "INBOX", "Archive")


def moves_the_originals_away_and_back(box: Mailbox) -> None:
    """Another program's doing, a filter's for instance: they have other numbers now."""
    moved(box.owner, box.items("INBOX"), "INBOX", "Archive")
    moved(box.owner, box.items("Archive"), "Archive", "INBOX")


ACTS: Final = {
    act.__name__: act
    for act in (
        nothing,
        brings_back,
        brings_one_back,
        brings_back_by_copying,
        brings_back_by_way_of_the_archive,
        deletes_in_the_quarantine,
        deletes_in_the_inbox,
        moves_on,
        files_the_originals,
        moves_the_originals_away_and_back,
    )
}

THEN: Final = ("scan", "undo", "scan, undo")
"""And a further scan after each."""


# --- what must be true


@dataclass(frozen=True)
class Expected:
    """How many of each there must be, and which entries were settled before the owner came."""

    everywhere: Counter[str]
    archive: Counter[str]
    at_least_in_inbox: Counter[str]
    settled: frozenset[int]
    leaves_behind: bool = False
    """What the owner took out of the quarantine still lies there, marked as deleted."""


def expected(act: str, box: Mailbox) -> Expected:
    """From what lay where when the owner came."""
    inbox, quarantine = box.counts("INBOX"), box.counts(QUARANTINE)
    everywhere, archive, at_least = box.delivered, Counter[str](), Counter[str]()
    match act:
        case "brings_back" | "brings_back_by_copying" | "brings_back_by_way_of_the_archive":
            at_least = quarantine
        case "brings_one_back":
            at_least = Counter(item.digest for item in box.items(QUARANTINE)[:1])
        case "deletes_in_the_quarantine":
            everywhere = inbox
        case "deletes_in_the_inbox":
            everywhere = quarantine
        case "moves_on":
            archive = quarantine
        case "files_the_originals":
            archive = inbox
        case "moves_the_originals_away_and_back":
            at_least = inbox
    settled = frozenset(entry.id for entry in box.entries() if not entry.state.is_open)
    return Expected(everywhere, archive, at_least, settled, leaves_behind=act == "brings_back_by_copying")


def check(box: Mailbox, wanted: Expected) -> None:
    inbox, archive, quarantine = box.items("INBOX"), box.items("Archive"), box.items(QUARANTINE)
    if wanted.leaves_behind:
        back = {item.digest for item in inbox}
        quarantine = [i for i in quarantine if "\\Deleted" not in i.flags or i.digest not in back]
    assert digests((*inbox, *archive, *quarantine)) == +wanted.everywhere
    assert digests(archive) == wanted.archive
    assert wanted.at_least_in_inbox <= digests(inbox)
    for item in (*inbox, *archive, *quarantine):
        assert item.flags == box.before[item.digest], item
    everything = {folder: box.owner.items(folder) for folder in box.owner.folders()}
    assert not [item for items in everything.values() for item in items if MARK in item.flags]
    (genuine,) = [item for item in everything["INBOX"] if item.digest == box.genuine]
    assert genuine.flags == ("\\Deleted",)
    journal_agrees(box, wanted, {item.uid for item in inbox}, {item.uid for item in quarantine})


def digests(items: Iterable[Item]) -> Counter[str]:
    return Counter(item.digest for item in items)


def journal_agrees(box: Mailbox, wanted: Expected, inbox: set[str], quarantine: set[str]) -> None:
    """Of what was settled before, nobody tells the journal what its owner does with it."""
    assert box.app.context.store.journal(box.address).open() == ()
    done = {entry.new_id: entry.id for entry in box.entries(EntryState.DONE)}
    assert quarantine <= done.keys()
    assert {id for new, id in done.items() if new not in quarantine} <= wanted.settled
    assert {entry.message for entry in box.entries(EntryState.FAILED)} <= inbox
    back = box.entries(EntryState.RETURNED, EntryState.UNDONE)
    assert len([entry for entry in back if entry.id not in wanted.settled]) <= len(inbox)
    for entry in (*back, *box.entries(EntryState.GONE)):
        assert entry.message not in inbox, entry


def settled(box: Mailbox, then: str, wanted: Expected) -> None:
    for step in then.split(", "):
        assert (box.scan() if step == "scan" else box.undo()) is None
        check(box, wanted)
        if step == "undo" and not wanted.leaves_behind:
            assert box.items(QUARANTINE) == []
    never_moved = {entry.message for entry in box.entries(EntryState.FAILED)}
    stays = [item for item in box.items("INBOX") if item.uid not in never_moved]
    assert box.scan() is None
    check(box, wanted)
    assert digests(stays) <= box.counts("INBOX")
    if not box.entries(EntryState.RETURNED, EntryState.UNDONE, EntryState.GONE):
        assert box.items("INBOX") == [], "what nobody brought back is moved"


Case: TypeAlias = tuple[str, int, str, str]


def cases() -> Iterator[Case]:
    for kind, count in COMMANDS.items():
        for cut, act, then in itertools.product(range(count), ACTS, THEN[1:]):
            yield kind, cut, act, then


def chosen() -> Iterator[Case]:
    """Each act of the owner after a MOVE, and after one of the many steps of a copy."""
    for number, act in enumerate(ACTS):
        then = THEN[number % len(THEN)]
        yield "MOVE", 1, act, then
        yield "COPY", 15 + number, act, then
    for number, act in enumerate([*ACTS][1::2]):
        yield "COPY", COMMANDS["COPY"] - 1 - 6 * number, act, THEN[number % len(THEN)]


def named(case: Case) -> object:
    kind, cut, act, then = case
    return pytest.param((kind, cut), act, then, id=f"{kind} {cut}, {act}, {then}")


@pytest.mark.parametrize(("mailbox", "act", "then"), [*map(named, chosen())], indirect=["mailbox"])
def test_a_rescue_stays_a_rescue(mailbox: Mailbox, act: str, then: str) -> None:
    run(mailbox, act, then)


@pytest.mark.nightly
@pytest.mark.parametrize(("mailbox", "act", "then"), [*map(named, cases())], indirect=["mailbox"])
def test_a_rescue_stays_a_rescue_wherever_it_is_cut(mailbox: Mailbox, act: str, then: str) -> None:
    run(mailbox, act, then)


def run(box: Mailbox, act: str, then: str) -> None:
    box.proxy.cut_after(box.cut)
    error = box.scan()
    assert box.proxy.struck
    assert isinstance(error, ServerUnavailableError | None)
    wanted = expected(act, box)
    ACTS[act](box)
    settled(box, then, wanted)


# --- cut off once more, while that is cleared up

AGAIN: Final = [
    pytest.param(("COPY", cut), act, number, id=f"{cut}, {act}, {number}", marks=marks)
    for cut in (18, 22, 24)
    for act in ("nothing", "brings_back", "brings_back_by_copying", "moves_on", "files_the_originals")
    for number in range(6)
    for marks in [() if cut == 18 and act == "brings_back" else pytest.mark.nightly]
]


@pytest.mark.parametrize(("mailbox", "act", "number"), AGAIN, indirect=["mailbox"])
def test_cut_off_again_while_it_is_cleared_up(mailbox: Mailbox, act: str, number: int) -> None:
    mailbox.proxy.cut_after(mailbox.cut)
    mailbox.scan()
    wanted = expected(act, mailbox)
    ACTS[act](mailbox)
    mailbox.proxy.cut_after(Cut("UID STORE |UID EXPUNGE ", number))
    mailbox.scan()
    mailbox.proxy.heal()
    settled(mailbox, "scan, undo", wanted)


# --- and back


def cases_of_undo() -> Iterator[Case]:
    acts = ("nothing", "brings_back", "moves_on", "deletes_in_the_quarantine", "files_the_originals")
    for kind, count in COMMANDS.items():
        for cut, act, then in itertools.product(range(count), acts, ("scan", "undo")):
            yield kind, cut, act, then


def chosen_of_undo() -> Iterator[Case]:
    every = [*cases_of_undo()]
    yield from every[10:20:3]
    yield from every[27::47]


@pytest.mark.parametrize(("mailbox", "act", "then"), [*map(named, chosen_of_undo())], indirect=["mailbox"])
def test_what_was_being_taken_back_comes_back(mailbox: Mailbox, act: str, then: str) -> None:
    run_undo(mailbox, act, then)


@pytest.mark.nightly
@pytest.mark.parametrize(("mailbox", "act", "then"), [*map(named, cases_of_undo())], indirect=["mailbox"])
def test_what_was_being_taken_back_comes_back_wherever_it_is_cut(
    mailbox: Mailbox, act: str, then: str
) -> None:
    run_undo(mailbox, act, then)


def run_undo(box: Mailbox, act: str, then: str) -> None:
    assert box.scan() is None
    box.proxy.cut_after(box.cut)
    error = box.undo()
    assert box.proxy.struck
    assert isinstance(error, ServerUnavailableError | None)
    wanted = expected(act, box)
    ACTS[act](box)
    settled(box, then, wanted)
    assert box.items(QUARANTINE) == []


# --- what the numbers go by


@pytest.mark.parametrize("mailbox", [(kind, 99) for kind in KINDS], ids=KINDS, indirect=True)
def test_every_command_is_cut_after(mailbox: Mailbox) -> None:
    """The numbers that the cuts go by, and that the notices are such as are moved."""
    assert mailbox.scan() is None
    assert mailbox.counts(QUARANTINE) == mailbox.delivered
    lines = [line.partition(" ")[2] for line in mailbox.proxy.commands]
    first = next(number for number, line in enumerate(lines) if line.startswith(FIRST[mailbox.kind]))
    changes = ("UID MOVE", "UID COPY", "UID STORE", "UID EXPUNGE", "SELECT")
    last = max(number for number, line in enumerate(lines) if line.startswith(changes))
    assert last - first + 1 == COMMANDS[mailbox.kind], lines[first : last + 1]
