"""
What would have made a verdict another: the last part of `explain`.

First the sum and its limits, then each proof that is missing, with the key of the configuration or the command that
would provide it. A proof is named only where this notice could have carried it: a report that returns nothing cannot
bear a signature, and an automatic reply does not come to the tagged address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cleaner import classifier, evidence
from cleaner.classifier import Model
from cleaner.classifier.judge import ground
from cleaner.classifier.weights import KEEP, REMOVE
from cleaner.evidence import closure, ways
from cleaner.values import (
    ABSENT,
    UNKNOWN,
    Evidence,
    Force,
    Ground,
    Kind,
    Known,
    Notice,
    Opinion,
    Side,
    Verdict,
)

_ADDRESS: Final = re.compile(r"\[([0-9A-Fa-f.:]{2,45})\]")
"""Of a machine, as the rules show it."""
NOBODY_KNOWN: Final = (
    "Nobody's addresses, servers and sent mail are known here, so no mail can be recognised as somebody's own. "
    "Write a configuration (bounce-cleaner init), or name yours: bounce-cleaner -c FILE explain …"
)
PROVEN: Final = (
    "Nothing that adds up: a proof settles the matter. Only a sign that your mail was sent on to strangers would make "
    "it unsure."
)
TO_THE_ENVELOPE: Final = (Kind.NDR, Kind.DELAY, Kind.SUCCESS)
"""Kinds that come to the envelope sender (RFC 3464 section 2), which is what BATV tags."""


GROUNDS: Final = {
    Ground.CLOSED: "closed: everybody who sends for you is known, and the host that sent it is not among them",
    Ground.MEASURED: "measured: nothing like it is among thousands of proven mails",
    Ground.CAMPAIGN: "campaign: one of many notices about mails from many unrelated networks",
    Ground.FALSE: "false: it is demonstrably forged",
    Ground.TAUGHT: "taught: an administrator's labels say so",
}
"""Each ground as people read it."""


def would_change(notice: Notice, verdict: Verdict, known: Known, mailbox: str | None) -> tuple[str, ...]:
    """Sentences, the nearest way first; `mailbox` is None where it is not known whose the message is."""
    if not notice.kind.is_judged:
        return ()
    if is_nobody(known):
        return (NOBODY_KNOWN,)
    if classifier.is_proven(verdict):
        return (PROVEN,)
    if verdict.opinion is Opinion.GENUINE:
        return tuple(what_holds_it(verdict))
    if notice.kind is Kind.NDR_PHISH:
        return tuple(the_sum(verdict))  # a fake speaks of no mail that could be proven
    return (
        *the_sum(verdict),
        *by_ground(notice, verdict, known),
        *by_relays(notice, verdict, known),
        *by_sent_record(notice, verdict, known, mailbox),
        *by_signature(notice, verdict, known),
        *by_tag(notice, verdict, known),
        *by_own_header(notice, verdict, known),
        *by_promises(verdict, known),
    )


def would_prove(notice: Notice, verdict: Verdict, known: Known) -> tuple[str, ...]:
    """Proofs that this installation does not have yet, and that a report like this could have carried."""
    unproven = (
        notice.kind.is_judged and notice.kind is not Kind.NDR_PHISH and not classifier.is_proven(verdict)
    )
    if not unproven or is_nobody(known) or known.organisation.shared:
        return ()
    return tuple(missing_proofs(notice, known))


def is_nobody(known: Known) -> bool:
    """Whether nothing at all is configured: neither an organisation nor an owner."""
    return not known.organisation.domains and not known.owner.addresses


def limits(verdict: Verdict, model: Model | None) -> tuple[str, ...]:
    """How far the sum must go, and the model; nothing where nothing was summed."""
    if not verdict.evidence:
        return ()
    if classifier.is_proven(verdict):
        return ("A proof decides, whatever the sum is.",)
    held = f"{GROUNDS[verdict.ground]}" if verdict.ground is not None else "none holds"
    by_sum = (
        f"It is backscatter from {REMOVE:+.1f} on, if a ground for removal holds ({held}); genuine from {KEEP:+.1f} "
        "down; between these it is unsure and stays."
    )
    if verdict.probability is None or model is None:
        return (by_sum,)
    by_model = f"The learned model {model.name} holds it to be backscatter to {verdict.probability:.1%}; {may(model)}."
    return by_sum, by_model


def may(model: Model) -> str:
    """What the model may decide where the sum leaves it open."""
    if model.only_advises:
        return "it only advises, for want of labels"
    down = f" or down to {model.keep:.1%}" if model.keep >= 0 else ""
    return f"where the sum leaves it open, it decides from {model.remove:.1%} on (then, too, a ground must hold){down}"


# --- the sum -------------------------------------------------------------------------------------


def what_holds_it(verdict: Verdict) -> Iterator[str]:
    """What an unproven genuine verdict rests on."""
    if verdict.score > KEEP:
        yield f"The learned model made it genuine; by the rules alone ({verdict.score:+.1f}) it would be unsure."
        return
    holding = [
        e for e in verdict.evidence if e.side is Side.GENUINE and verdict.score + e.weight > KEEP and e.weight
    ]
    if holding:
        yield f"Without {one_of(holding)} the rules would call it unsure."
    else:
        yield "It does not rest on one finding: several of them would have to be missing."


def the_sum(verdict: Verdict) -> Iterator[str]:
    score = verdict.score
    if any(e.force is Force.SUSPICION for e in verdict.evidence):
        yield (
            "It is unsure because a proof contradicts the rest, and no sum overrules that: a person must say whose "
            "it was (bounce-cleaner label add)."
        )
        return
    if any(e.force is Force.HOLD for e in verdict.evidence):
        return  # what would let it be checked is said beside
    holds = ground(verdict.evidence)
    if verdict.opinion is Opinion.BACKSCATTER:
        yield from what_condemns_it(verdict)
    elif holds is not None and score < REMOVE:
        yield f"{REMOVE - score:.1f} more on the side of backscatter would make it backscatter."
    if verdict.opinion is Opinion.UNSURE and score > KEEP:
        yield f"{score - KEEP:.1f} more on the side of genuine would make it genuine without a proof."


def what_condemns_it(verdict: Verdict) -> Iterator[str]:
    if verdict.score < REMOVE:
        yield f"By the rules alone ({verdict.score:+.1f}) it would be unsure; the learned model made it backscatter."
        return
    grounds = [e for e in verdict.evidence if e.ground is not None]
    needed = [
        e
        for e in verdict.evidence
        if e.side is Side.BACKSCATTER
        and e.weight
        and (verdict.score - e.weight < REMOVE or (len(grounds) == 1 and e is grounds[0]))
    ]
    if needed:
        yield f"Without {one_of(needed)} the rules would call it unsure."


def by_ground(notice: Notice, verdict: Verdict, known: Known) -> Iterator[str]:
    """Which ground for a removal is missing, and what would give it."""
    if verdict.opinion is not Opinion.UNSURE or any(e.force is not Force.WEIGHED for e in verdict.evidence):
        return
    if ground(verdict.evidence) is not None:
        return
    if not ways.is_addressed_to_us(notice, known):
        yield (
            "It was sent to another account and forwarded here, so what is known of your senders says nothing about it."
        )
        return
    domain = ways.policy_domain(notice, known.organisation)
    found = closure.closure(domain, known) if domain and not known.organisation.shared else None
    if found is not None and not found.is_closed:
        yield (
            f"A stranger tells nothing while anybody may send for {domain}. {found.because} To close it: publish SPF "
            "that ends in -all or ~all with DMARC p=quarantine or p=reject, or, if relays and client_networks list "
            f"everything that sends, set senders_complete = true{of(known)}."
        )
    yield (
        "A label settles the notices of its kind that are about the same subject and that machines without a server's "
        "name handed over: bounce-cleaner label review. So do several dozen notices within hours about mails from "
        "unrelated networks."
    )


def one_of(findings: Sequence[Evidence]) -> str:
    """The rules' names, as a choice."""
    names = list(dict.fromkeys(e.rule for e in findings))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


# --- proofs that are missing ---------------------------------------------------------------------


def by_sent_record(notice: Notice, verdict: Verdict, known: Known, mailbox: str | None) -> Iterator[str]:
    if found(verdict, "sent_record"):
        return
    has_id = bool(notice.returned.message_id or notice.answers)
    if not has_id and not (notice.returned.subject or notice.quoted_subject):
        yield "It names neither id nor subject of the mail, so your sent mail cannot tell whether it was yours."
        return
    if mailbox is None:
        yield (
            "Whose sent mail counts was not said: with --mailbox ADDRESS the sent record of that mailbox is asked, "
            "and the mail in it would prove the notice genuine."
        )
        return
    if not known.sent.mails:
        yield (
            "Nothing is known of what this mailbox sent. 'bounce-cleaner scan' reads its Sent folder; if that has a "
            'name of its own, set sent = ["NAME"] in [policy].'
        )
    else:
        begins = f" (its copies begin {known.sent.begins:%Y-%m-%d})" if known.sent.begins else ""
        yield (
            f"The mail in your Sent folder{begins}, with this {'id' if has_id else 'subject'} and recipient, would "
            f"prove it genuine. If somebody else sends for you, name that mailbox in sent_from."
        )
    if has_id:
        yield (
            "If the mail left no copy, your mail server's log can show it: bounce-cleaner ledger import LOGFILE "
            "(Postfix, Exim or Exchange)."
        )


def by_signature(notice: Notice, verdict: Verdict, known: Known) -> Iterator[str]:
    """DKIM over the returned header."""
    organisation, headers = known.organisation, notice.returned.headers
    if organisation.shared or found(verdict, "dkim_ours") or not headers.items:
        return
    keys = (*organisation.dkim_keys, *organisation.found_keys)
    configured = {(key.domain, key.selector) for key in keys}
    asked = sorted(evidence.wanted_keys((notice,), organisation).keys() - configured)
    if asked:
        domain, selector = asked[0]
        yield (
            f"The returned mail is signed for {domain} with the key {selector!r}, which is not known here. If it is "
            f"yours, enter it as [[organisation.dkim]] (domain, selector, public_key){of(known)}, "
            "or let 'scan' find it in DNS (dns = true in [lookups])."
        )
    elif keys and headers.get("dkim-signature") is ABSENT:
        yield "A valid DKIM signature of your mail server in the returned mail would prove it genuine; it bears none."


def by_tag(notice: Notice, verdict: Verdict, known: Known) -> Iterator[str]:
    """BATV: the address that the notice came to."""
    organisation = known.organisation
    if organisation.shared or notice.kind not in TO_THE_ENVELOPE:
        return
    seen = next((e for e in verdict.evidence if e.rule == "batv" and e.side is Side.NEUTRAL), None)
    if seen is not None and not organisation.batv_keys:
        yield (
            f"It came to a tagged address ({seen.seen}). With its key, as [[organisation.batv]] (key, number)"
            f"{of(known)}, the tag would tell."
        )
    elif organisation.batv_keys and not found(verdict, "batv"):
        yield "A valid tag (BATV) in the address that it came to would prove it genuine; the address bears none."


def by_own_header(notice: Notice, verdict: Verdict, known: Known) -> Iterator[str]:
    organisation, headers = known.organisation, notice.returned.headers
    if organisation.shared or not headers.items:
        return
    if organisation.hmac_keys and not found(verdict, "own_header"):
        yield (
            "Your mail servers' own header field (X-Bounce-Proof) in the returned mail would prove it genuine; "
            "it bears none."
        )
    elif not organisation.hmac_keys and headers.get("x-bounce-proof") not in (ABSENT, UNKNOWN):
        yield (
            "The returned mail bears a field X-Bounce-Proof. With its key, as [[organisation.hmac]] (id, key)"
            f"{of(known)}, it would tell."
        )


def missing_proofs(notice: Notice, known: Known) -> Iterator[str]:
    organisation, returned = known.organisation, notice.returned
    if not organisation.dkim_keys and not organisation.found_keys and returned.headers.items:
        yield (
            "DKIM: if your mail server signs what it sends, a report about your mail proves itself. Keys are found in "
            f"DNS, or stand in [[organisation.dkim]] (domain, selector, public_key){of(known)}."
        )
    if not organisation.batv_keys and notice.kind in TO_THE_ENVELOPE:
        yield (
            "BATV: if your mail server tags sender addresses, a report to a tagged address proves itself. Its keys "
            f"stand in [[organisation.batv]] (key, number){of(known)}."
        )
    if not organisation.hmac_keys and returned.headers.items:
        yield (
            "A header field of your own, signed by your mail server, is told from a forged one: [[organisation.hmac]] "
            f"(id, key){of(known)}; how to set it is told in docs/own-header.md."
        )


# --- relays, and what the configuration promises -------------------------------------------------


def by_relays(notice: Notice, verdict: Verdict, known: Known) -> Iterator[str]:
    organisation = known.organisation
    if organisation.shared:
        yield (
            "shared = true is set for this organisation, so neither its mail servers nor its signatures count; "
            "only sent mail and other proofs do."
        )
        return
    stranger = next(
        (e for e in verdict.evidence if e.rule == "handed_over" and e.side is Side.BACKSCATTER), None
    )
    if stranger is not None:
        address = _ADDRESS.search(stranger.seen)
        seen = f'"{address[1]}"' if address is not None else stranger.seen
        yield f"If this machine sends your mail, list its address in relays{of(known)}: {seen}."
    elif verdict.opinion is Opinion.UNSURE and not found(verdict, "handed_over"):
        if not notice.returned.hops:
            yield "It returns no trace (Received lines) of the mail, so nobody can see who handed it over."
        elif not organisation.relay_networks:
            yield (
                "The returned trace shows who handed the mail over, but your mail servers are not known by address: "
                f'list them all, as relays = ["192.0.2.10", …]{of(known)}.'
            )
        else:
            yield (
                "The returned trace does not show clearly who handed the mail over: a forwarder, a filtering "
                f"service or a server of yours that is missing in relays{of(known)} may have."
            )


def by_promises(verdict: Verdict, known: Known) -> Iterator[str]:
    """Switches that say "all our mail does this", where it counted that this one does not."""
    organisation = known.organisation
    if organisation.always_signs and weighs(verdict, "unsigned"):
        yield f"If some of your mail leaves unsigned, set always_signs = false{of(known)}."
    if organisation.always_tags and weighs(verdict, "batv"):
        yield f"If some of your mail leaves untagged, set always_tags = false{of(known)}."


def of(known: Known) -> str:
    """Where in the configuration a key of the organisation stands."""
    return f" of the organisation {known.organisation.name}" if known.organisation.name else ""


def found(verdict: Verdict, rule: str) -> bool:
    return any(e.rule == rule for e in verdict.evidence)


def weighs(verdict: Verdict, rule: str) -> bool:
    return any(e.rule == rule and e.side is Side.BACKSCATTER and e.weight for e in verdict.evidence)
