"""Each circumstance changes what it says, and nothing else; what is proven stays proven."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from cleaner.app import scratch_store
from cleaner.classifier import is_proven
from cleaner.errors import UsageError
from cleaner.lab import accounts, ways
from cleaner.lab.circumstances import Circumstance, circumstances
from cleaner.lab.mailings import SUBJECT
from cleaner.lab.measure import Rewritten, chosen, judged_in, measure, worlds_of
from cleaner.lab.policies import Policy
from cleaner.lab.scene import Box, Letter, Scene, scenes
from cleaner.service.datasets import mailbags
from cleaner.service.evaluate import Judgement
from cleaner.values import UNKNOWN, Opinion
from tests.lab.harbor_world import CRM_IP, FORGER_IP, RELAY, RELAY_IP, SITE_IP

ALL = circumstances()
OUR_NETWORK = ip_network("198.51.100.0/24")
NAMES = [one.name for one in ALL]

MAY_LACK = {"claimed-complete": {"organisation"}}
"""A claim changes nothing where the program knows none."""


def paired(before: Scene, after: Scene) -> list[tuple[Letter, Letter]]:
    """The letters that stand in both."""
    found = {letter.label.path: letter for _, letter in after.letters}
    return [(one, found[one.label.path]) for _, one in before.letters if one.label.path in found]


def touched(before: Scene, after: Scene) -> set[str]:
    """What differs, in the words of the catalogue."""
    words = {"genuine": "genuine", "backscatter": "backscatter", "not-a-bounce": "ordinary"}
    found = set()
    for one, other in paired(before, after):
        assert one.label == other.label
        if one.message != other.message and one.label.truth is not None:
            found.add(words[one.label.truth.value])
    if [len(box.letters) for box in before.boxes] != [len(box.letters) for box in after.boxes]:
        found.add("messages")
    if [box.sent for box in before.boxes] != [box.sent for box in after.boxes]:
        found.add("sent")
    if [box.owner for box in before.boxes] != [box.owner for box in after.boxes]:
        found.add("owners")
    if before.organisation != after.organisation:
        found.add("organisation")
    if before.dns != after.dns:
        found.add("dns")
    return found


def find(name: str) -> Circumstance:
    return next(one for one in ALL if one.name == name)


def judged(scene: Scene) -> dict[Path, Judgement]:
    return {one.case.label.path: one for one in judged_in(scene, scratch_store, None)}


# --- third parties --------------------------------------------------------------------------------


def test_third_parties_get_networks_of_their_own(given: Scene, world: Scene) -> None:
    for before, after in paired(given, world):
        assert SITE_IP.encode() not in after.message.raw
        assert before.message.raw.count(RELAY_IP.encode()) == after.message.raw.count(RELAY_IP.encode())
        assert before.message.raw.count(FORGER_IP.encode()) == after.message.raw.count(FORGER_IP.encode())
        for hop in after.notice.hops:
            assert hop.ip is None or ip_address(hop.ip) not in OUR_NETWORK
    assert world.dns is not None
    assert world.dns["far.example"]["MX"] == ("10 mx.far.example",)  # type: ignore[call-overload]


def test_the_world_without_a_change_is_judged_alike(given: Scene, world: Scene) -> None:
    before, after = judged(given), judged(world)
    assert before.keys() == after.keys()
    for path, one in before.items():
        assert one.opinion is after[path].opinion
        assert is_proven(one.verdict) is is_proven(after[path].verdict)


def test_signatures_outlive_the_move_of_third_parties(world: Scene) -> None:
    bare = world.with_sent(lambda _: ())
    proven = {path.name for path, one in judged(bare).items() if is_proven(one.verdict)}
    assert {"genuine1:2,", "genuine2:2,", "genuine3:2,", "genuine4:2,"} <= proven
    assert not any(name.startswith("forged") for name in proven)


# --- the catalogue --------------------------------------------------------------------------------


def test_names_tell_circumstances_apart() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert len({name.partition("/")[0] for name in NAMES}) >= 50
    assert {one.policy for one in ALL} == set(Policy)


@pytest.mark.parametrize("name", NAMES)
def test_a_circumstance_changes_what_it_says_and_nothing_else(world: Scene, name: str) -> None:
    after = find(name)(world)
    found = touched(world, after)
    assert found <= find(name).touches
    assert find(name).touches - found <= MAY_LACK.get(name.partition("/")[0], set())


@pytest.mark.parametrize("name", NAMES)
def test_notices_are_read_as_before(world: Scene, name: str) -> None:
    for before, after in paired(world, find(name)(world)):
        assert after.notice.kind is before.notice.kind
        assert bool(after.notice.returned.message_id) is bool(before.notice.returned.message_id)
        assert len(after.notice.recipients) == len(before.notice.recipients)


def test_circumstances_are_made_alike_every_time(world: Scene) -> None:
    for one in ALL[::5]:
        first, again = one(world), one(world)
        assert [(a.message, b.message) for a, b in paired(first, again) if a.message != b.message] == []
        assert first.dns == again.dns


def test_shared_steps_are_taken_once_and_come_to_the_same(world: Scene) -> None:
    rewritten = Rewritten(world)
    for one in (
        find("microsoft-365/true"),
        find("microsoft-365/open"),
        find("cloud-server/false"),
        find("as-it-is"),
    ):
        by_stages, directly = rewritten(one), one(world)
        assert by_stages.dns == directly.dns
        assert all(a.message == b.message for a, b in paired(by_stages, directly))


# --- what a way out looks like --------------------------------------------------------------------


@pytest.mark.parametrize("service", [ways.MICROSOFT, ways.GOOGLE, ways.SMARTHOST, ways.CRM, ways.CLOUD])
def test_a_service_stands_in_the_reporters_own_line(world: Scene, service: ways.Service) -> None:
    after = ways.sent_by(service, lambda _, __: True)(world)
    known = {one.ip for one in ways.machines(world, service)}
    seen = 0
    for before, letter in paired(world, after):
        if not before.is_genuine:
            assert letter is before
        elif letter.notice.returned.hops and not ways.is_from_within(before, world.organisation):
            hop = letter.notice.returned.hops[0]
            assert str(hop.ip) in known
            assert hop.by == "mx.far.example"
            assert RELAY_IP.encode() not in letter.message.raw
            assert f"d={world.domain}" not in letter.notice.returned.headers.text("dkim-signature")
            seen += 1
    assert seen == 12


def test_what_our_relay_reported_comes_from_the_service(world: Scene) -> None:
    after = ways.sent_by(ways.MICROSOFT, lambda _, __: True)(world)
    letter = next(one for _, one in after.letters if one.label.path.name.startswith("own0"))
    assert letter.notice.hops[0].by == RELAY
    assert letter.notice.hops[0].peer.endswith("outlook.com")
    assert letter.notice.reporter.endswith("outlook.com")
    assert letter.notice.recipients[0].address == "bob20@far.example"


def test_a_signature_that_is_kept_still_verifies(world: Scene) -> None:
    after = ways.sent_by(ways.SMARTHOST, lambda _, __: True, signed=True)(world).with_sent(lambda _: ())
    proven = {path.name for path, one in judged(after).items() if is_proven(one.verdict)}
    assert {"genuine1:2,", "genuine2:2,", "genuine3:2,", "genuine4:2,"} <= proven


# --- mail of others -------------------------------------------------------------------------------


def test_forgers_name_others_and_nothing_genuine_does(world: Scene) -> None:
    for before, after in paired(world, find("forged-to-others/true")(world)):
        if before.is_spurious:
            assert set(after.notice.returned.to_addresses).isdisjoint(before.notice.returned.to_addresses)
            assert after.notice.returned.to_addresses
            assert after.notice.returned.hops == before.notice.returned.hops
        else:
            assert after is before
    for before, after in paired(world, find("forged-without-to/true")(world)):
        if before.is_spurious:
            assert after.notice.returned.to_addresses == ()
    for before, after in paired(world, find("forged-resent-from/true")(world)):
        assert ("resent-from" in after.notice.returned.headers) is before.is_spurious


def test_a_filter_is_the_exchanger_and_wrote_down_who_handed_over(world: Scene) -> None:
    after = find("filtered-sites")(world)
    assert after.dns is not None
    assert "mailsieve.example" in str(after.dns["far.example"])
    for before, letter in paired(world, after):
        if letter.message != before.message:
            above, below = letter.notice.returned.hops[:2]
            assert above.peer.endswith(".mailsieve.example")
            assert below.by == above.peer
            assert below.ip == before.notice.returned.hops[0].ip


def test_a_second_account_is_forwarded_and_its_mail_is_not_in_sent(world: Scene) -> None:
    every = accounts.second_account(lambda _, __: True, listed=True)(world)
    for before, after in paired(world, every):
        if before.message != after.message:
            assert before.is_genuine
            assert after.notice.hops[0].peer.endswith(".postfach.example")
            assert after.notice.hops[1].ip == before.notice.hops[0].ip
            assert after.notice.delivered_to[0] == before.notice.delivered_to[0]
            assert all(
                address.endswith("@postfach.example") for address in after.notice.returned.from_addresses
            )
    for box in every.boxes:
        assert f"{box.owner.address.partition('@')[0]}@postfach.example" in box.owner.addresses
        assert len(box.sent) == 1, "what our own relay reported is left alone"


def test_a_newsletter_brings_reports_of_five_hundred_mails(world: Scene) -> None:
    known = {letter.label.path for _, letter in world.letters}
    for name, networks in (("newsletter-service/true", 1), ("newsletter-service-three-networks/true", 3)):
        after = find(name)(world)
        made = [letter for _, letter in after.letters if letter.label.path not in known]
        assert len(made) == len({one.notice.returned.message_id for one in made}) == 500
        assert len({one.notice.message_id for one in made}) == 500
        assert len({one.notice.recipients[0].address for one in made}) == 500
        assert all(one.is_genuine and one.notice.returned.subject == SUBJECT for one in made)
        handing = {
            ip_network((hop.ip, 24), strict=False) for one in made if (hop := one.notice.returned.hops[0]).ip
        }
        assert len(handing) == networks


def test_a_server_that_rebuilds_mail_leaves_the_trace_unknown(world: Scene) -> None:
    for before, after in paired(world, find("rebuilt/true")(world)):
        assert after.notice.rebuilt is before.notice.kind.is_judged
        if b"message/rfc822" in before.message.raw:
            assert after.notice.returned.headers.get("received") is UNKNOWN
            assert after.notice.returned.headers.get("dkim-signature") is UNKNOWN
        else:
            assert after.notice.returned.hops == before.notice.returned.hops


# --- policies -------------------------------------------------------------------------------------


def spf(scene: Scene) -> str:
    records = (scene.dns or {}).get(scene.domain, ())
    return " ".join(records["TXT"] if not isinstance(records, tuple | list) else records)  # type: ignore[call-overload]


def test_policies_say_what_they_are_called(world: Scene) -> None:
    assert (
        spf(find("microsoft-365/true")(world))
        == f"v=spf1 ip4:{RELAY_IP} ip4:{CRM_IP} include:spf.protection.outlook.com -all"
    )
    assert spf(find("microsoft-365/open")(world)) == f"v=spf1 ip4:{RELAY_IP} ip4:{CRM_IP} ~all"
    assert spf(find("microsoft-365/contradicted")(world)) == f"v=spf1 ip4:{RELAY_IP} ip4:{CRM_IP} -all"
    assert find("microsoft-365/unknown")(world).dns is None
    assert world.domain not in (find("open-nothing")(world).dns or {})


@pytest.mark.parametrize("name", ["at-hand", "cloud-server", "crm", "web-shop"])
def test_what_is_false_is_proven_by_nothing(world: Scene, name: str) -> None:
    assert proofs_by_outsiders(find(f"{name}/false"), world) == []


def test_what_is_contradicted_is_so_once_a_mailbox(world: Scene) -> None:
    found = proofs_by_outsiders(find("cloud-server/contradicted"), world)
    assert sorted(path.parent.parent.name for path in found) == [box.owner.address for box in world.boxes]


def proofs_by_outsiders(circumstance: Circumstance, world: Scene) -> list[Path]:
    """The proven notices whose mail was handed over by a host that was not ours."""
    return [
        path
        for path, one in judged(circumstance(world)).items()
        if is_proven(one.verdict)
        and (hops := one.case.notice.returned.hops)
        and hops[0].ip is not None
        and hops[0].ip not in OUR_NETWORK
        and one.truth is Opinion.GENUINE
    ]


# --- measuring ------------------------------------------------------------------------------------


def test_circumstances_are_chosen_by_name_and_by_family() -> None:
    assert [one.name for one in chosen(("crm/true",))] == ["crm/true"]
    assert len(chosen(("crm",))) == 5
    assert {one.family for one in chosen(("filter",))} == {"filter"}
    assert chosen(()) == ALL
    with pytest.raises(UsageError, match="no circumstance 'crn'"):
        chosen(("crn",))


def test_a_folder_without_a_world_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text("")
    with pytest.raises(UsageError, match="no such world"):
        worlds_of((tmp_path,))


def test_what_is_measured_counts_all_worlds(harbor: Path) -> None:
    found = list(measure((harbor,), scratch_store, None, only=("as-it-is", "cloud-server/false")))
    assert [one.circumstance.name for one in found] == ["as-it-is", "cloud-server/false"]
    assert found[0].lost.hits == 0
    assert {one.lost.total for one in found} == {16}
    assert {one.removed.total for one in found} == {12}
    assert found[0].must_lose_nothing
    assert not found[1].must_lose_nothing
    assert found[0].to_json()["policy"] == "true"


def test_a_box_that_lost_its_copies_is_another_one(world: Scene) -> None:
    before: Box = world.boxes[0]
    after = find("no-copies")(world).boxes[0]
    assert before.sent
    assert replace(after, sent=before.sent, bag=before.bag) == before


# --- the page -------------------------------------------------------------------------------------


def test_the_page_lists_every_circumstance() -> None:
    page = (Path(__file__).parents[2] / "docs" / "circumstances.md").read_text()
    lines = {line for line in page.splitlines() if line.startswith("| `")}
    assert lines == {f"| `{one.name}` | {one.policy.value} | {one.sentence} |" for one in ALL}


@pytest.mark.corpus
def test_worlds_are_judged_alike_with_third_parties_apart(corpus: Path) -> None:
    folder = corpus / "worlds" / "brunnwald"
    before, after = judged(scenes(mailbags(folder))[0]), judged(worlds_of((folder,))[0])
    assert sum(one.opinion is not after[path].opinion for path, one in before.items()) <= len(before) // 200
    assert not any(
        one.opinion is Opinion.BACKSCATTER for one in after.values() if one.truth is Opinion.GENUINE
    )
