"""
The catalogue: everyday circumstances that a mail system may be in, as rewritings of a labelled world.

A circumstance changes what such a world would show, and nothing else: the labels stay true. `docs/circumstances.md`
lists them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cleaner.lab import changes, policies, ways
from cleaner.lab.policies import Policy
from cleaner.lab.scene import Scene, Step
from cleaner.lab.ways import Service
from cleaner.service import withholding


@dataclass(frozen=True, slots=True)
class Circumstance:
    """One circumstance: what it is, and the steps that lead there."""

    name: str
    sentence: str
    family: str
    """What training can leave out together."""
    policy: Policy
    steps: tuple[Step, ...] = field(repr=False)
    touches: frozenset[str] = frozenset()
    """What it changes: `genuine`, `backscatter`, `ordinary`, `sent`, `organisation`, `owners`, `dns`, `messages`."""

    def __call__(self, scene: Scene) -> Scene:
        """The world in this circumstance. Third parties are `apart` in it already."""
        for step in self.steps:
            scene = step(scene)
        return scene


def circumstances() -> tuple[Circumstance, ...]:
    return _catalogue()


@cache
def _catalogue() -> tuple[Circumstance, ...]:
    return tuple(_all())


def _all() -> Iterator[Circumstance]:
    yield from _as_it_is()
    yield from _moves()
    yield from _strangers()
    yield from _accounts()
    yield from _filters()
    yield from _keys()
    yield from _forgers()


def touching(*words: str) -> frozenset[str]:
    return frozenset(words)


# --- the world as it is ---------------------------------------------------------------------------


def _as_it_is() -> Iterator[Circumstance]:
    family = "as it is"
    yield Circumstance(
        "as-it-is",
        "Third parties have networks of their own; the policy is strict and true.",
        family,
        Policy.TRUE,
        (policies.strict(),),
        touching("dns"),
    )
    yield Circumstance(
        "half-copies",
        "Every other mail left no copy in Sent; the policy is strict and true.",
        family,
        Policy.TRUE,
        (policies.strict(), changes.half_the_copies),
        touching("dns", "sent"),
    )
    yield Circumstance(
        "open-soft",
        "Our domains publish `~all` and `p=none`.",
        family,
        Policy.OPEN,
        (policies.soft(),),
        touching("dns"),
    )
    yield Circumstance(
        "open-soft-half-copies",
        "`~all` and `p=none`, and every other mail left no copy.",
        family,
        Policy.OPEN,
        (policies.soft(), changes.half_the_copies),
        touching("dns", "sent"),
    )
    yield Circumstance(
        "open-nothing",
        "Our domains publish no policy.",
        family,
        Policy.OPEN,
        (policies.nothing_published(),),
        touching("dns"),
    )
    yield Circumstance(
        "dns-silent",
        "No name server ever answered.",
        family,
        Policy.UNKNOWN,
        (policies.silent,),
        touching("dns"),
    )


# --- a sending service ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """A way of our mail that the configuration does not know, to be combined with policies."""

    name: str
    sentence: str
    family: str
    services: tuple[Service, ...]
    steps: tuple[Step, ...]
    proven: bool
    """Some of the mail that goes this way is proven all the same."""
    contradicted: tuple[Step, ...] = ()
    """The steps with one proven mail a mailbox, where none would be."""
    sent: bool = True


_POLICY: Final = {
    Policy.TRUE: "the policy is strict and names it",
    Policy.OPEN: "`~all` and `p=none`",
    Policy.UNKNOWN: "no name server ever answered",
    Policy.CONTRADICTED: "the policy is strict and does not name it, which proven mail contradicts",
    Policy.FALSE: "the policy is strict and does not name it, and nothing contradicts that",
}


def under(way: Way, *wanted: Policy) -> Iterator[Circumstance]:
    for policy in wanted:
        steps = way.steps
        if policy is Policy.CONTRADICTED and not way.proven:
            steps = way.contradicted
        publish: Step = {
            Policy.TRUE: policies.strict(*way.services),
            Policy.OPEN: policies.soft(*way.services),
            Policy.UNKNOWN: policies.silent,
            Policy.CONTRADICTED: policies.stale(*way.services),
            Policy.FALSE: policies.stale(*way.services),
        }[policy]
        yield Circumstance(
            f"{way.name}/{policy.value}",
            f"{way.sentence}; {_POLICY[policy]}.",
            way.family,
            policy,
            (*steps, publish),
            touching("genuine", "dns", *(["sent"] if way.sent else [])),
        )


def _moves() -> Iterator[Circumstance]:
    family = "provider move"
    true, soft, unknown, against, false = (
        Policy.TRUE, Policy.OPEN, Policy.UNKNOWN, Policy.CONTRADICTED, Policy.FALSE,
    )  # fmt: skip
    for name, provider, service in (
        ("microsoft-365", "Microsoft 365", ways.MICROSOFT),
        ("google", "Google", ways.GOOGLE),
    ):
        moved = ways.sent_by(service, changes.late)
        yield from under(
            Way(name, f"In mid-time the mail moved to {provider}, the old relays are still listed, copies are kept", family, (service,), (moved,), True, sent=False),
            true, soft, against, unknown,
        )  # fmt: skip
        yield from under(
            Way(f"{name}-half-copies", f"The same move to {provider}, and every other mail left no copy", family, (service,), (moved, changes.half_the_copies), True),
            true, soft, against, unknown,
        )  # fmt: skip
    pool = ways.sent_by(ways.SMARTHOST, changes.everyone)
    yield from under(
        Way("smarthost-pool", "All mail leaves through the pool of a smart-host service, every other one without a copy", family, (ways.SMARTHOST,), (pool, changes.half_the_copies), True),
        true, soft, against, unknown,
    )  # fmt: skip
    cloud = ways.sent_by(ways.CLOUD, changes.everyone)
    yield from under(
        Way(
            "cloud-server", "All mail leaves by a new cloud server with a generic host name, and leaves no copy",
            family, (ways.CLOUD,), (cloud, changes.no_copies), False,
            contradicted=(changes.no_copies_of(changes.everyone, but_one=True), cloud),
        ),
        true, soft, against, unknown, false,
    )  # fmt: skip
    own_cloud = ways.sent_by(ways.OWN_CLOUD, changes.late)
    yield from under(
        Way(
            "cloud-server-own-name", "In mid-time a cloud server took over, which calls itself as the old one did; no copies since",
            family, (ways.OWN_CLOUD,), (changes.no_copies_of(changes.late), own_cloud, changes.no_copies_since), False,
        ),
        true, soft,
    )  # fmt: skip
    for suffix, words, more in (("", "signed", ()), ("-unsigned", "unsigned", (changes.unsigned(),))):
        for policy, publish in (
            (true, policies.strict(ways.PROVIDER)), (soft, policies.soft(ways.PROVIDER)), (unknown, policies.silent),
        ):  # fmt: skip
            yield Circumstance(
                f"provider-listed{suffix}/{policy.value}",
                f"The whole mail server is a provider's, listed by its address; mail is {words}, every other one without a copy; {_POLICY[policy]}.",
                family, policy, (changes.hosted(ways.PROVIDER), *more, changes.half_the_copies, publish),
                touching("genuine", "backscatter", "ordinary", "organisation", "dns", "sent"),
            )  # fmt: skip
    bare = ways.sent_by(ways.PROVIDER, changes.everyone)
    yield from under(
        Way("provider-unlisted", "The mail leaves by a provider's servers that nobody listed, unsigned, every other one without a copy", family, (ways.PROVIDER,), (bare, changes.half_the_copies), True),
        true, soft, against, unknown,
    )  # fmt: skip


def _strangers() -> Iterator[Circumstance]:
    family = "strangers"
    true, soft, unknown, against, false = (
        Policy.TRUE, Policy.OPEN, Policy.UNKNOWN, Policy.CONTRADICTED, Policy.FALSE,
    )  # fmt: skip
    tenth = changes.one_in(10)
    at_hand = ways.sent_by(ways.AT_HAND, tenth, reports=False)
    yield from under(
        Way(
            "at-hand", "A tenth of the mail is sent by whatever server is at hand, unsigned and without a copy", family,
            (ways.AT_HAND,), (changes.no_copies_of(tenth), at_hand), False,
            contradicted=(changes.no_copies_of(tenth, but_one=True), at_hand),
        ),
        true, soft, against, unknown, false,
    )  # fmt: skip
    for name, what, service in (
        ("web-shop", "The web shop stands", ways.SHOP),
        ("crm", "The CRM stands", ways.CRM),
    ):
        sent = ways.sent_by(service, changes.from_beside, reports=False)
        yield from under(
            Way(
                name, f"{what} at a hoster that is not in `relays`, its mail is unsigned and leaves no copy", family,
                (service,), (changes.no_copies_of(changes.from_beside), sent), False,
                contradicted=(changes.no_copies_of(changes.from_beside, but_one=True), sent),
            ),
            true, soft, against, unknown, false,
        )  # fmt: skip


def _accounts() -> Iterator[Circumstance]:
    family = "second account"
    some = changes.one_in(7, "second")
    for listed in (False, True):
        suffix, words = ("-listed", "among the identities") if listed else ("", "known to nobody")
        for policy, publish in (
            (Policy.TRUE, policies.strict()), (Policy.OPEN, policies.soft()), (Policy.UNKNOWN, policies.silent),
        ):  # fmt: skip
            yield Circumstance(
                f"second-account{suffix}/{policy.value}",
                f"A second account of the owner at another domain is forwarded into the mailbox, {words}; {_POLICY[policy] if policy is not Policy.TRUE else 'our own policy is strict and true'}.",
                family, policy, (changes.second_account(some, listed=listed), publish),
                touching("genuine", "dns", "sent", *(["owners"] if listed else [])),
            )  # fmt: skip


def _filters() -> Iterator[Circumstance]:
    family = "filter"
    yield Circumstance(
        "filtered-sites",
        "Every recipient's site has a filtering service in front; all is configured rightly.",
        family,
        Policy.TRUE,
        (policies.strict(), changes.filtered),
        touching("genuine", "backscatter", "dns"),
    )
    yield Circumstance(
        "filtered-sites-half-copies",
        "The same, and every other mail left no copy.",
        family,
        Policy.TRUE,
        (policies.strict(), changes.filtered, changes.half_the_copies),
        touching("genuine", "backscatter", "dns", "sent"),
    )
    yield Circumstance(
        "filtered-sites-wrong-relays",
        "Every recipient's site has a filter in front, and the relays are mistyped.",
        family,
        Policy.TRUE,
        (policies.strict(), changes.filtered, changes.configured(withholding.wrong_relays)),
        touching("genuine", "backscatter", "dns", "organisation"),
    )
    yield Circumstance(
        "filtered-sites-open",
        "Every recipient's site has a filter in front; `~all` and `p=none`, every other mail without a copy.",
        family,
        Policy.OPEN,
        (policies.soft(), changes.filtered, changes.half_the_copies),
        touching("genuine", "backscatter", "dns", "sent"),
    )


def _keys() -> Iterator[Circumstance]:
    family = "keys"
    away = (ways.sent_by(ways.SMARTHOST, changes.everyone, signed=True), changes.no_copies)
    yield Circumstance(
        "keys-dns-silent",
        "Mail is signed and leaves by a service without copies, but the key cannot be had: no name server answers.",
        family,
        Policy.UNKNOWN,
        (*away, policies.without_keys(), policies.silent),
        touching("genuine", "dns", "sent", "organisation"),
    )
    yield Circumstance(
        "keys-rotated",
        "The same, and the selector was replaced by another one since.",
        family,
        Policy.OPEN,
        (*away, policies.soft(ways.SMARTHOST), policies.without_keys(others={"s2027": NEW_KEY})),
        touching("genuine", "dns", "sent", "organisation"),
    )
    yield Circumstance(
        "keys-crowded-out",
        "The same, the key stands in DNS alone, and forged signatures name hundreds of made-up selectors.",
        family,
        Policy.OPEN,
        (*away, policies.soft(ways.SMARTHOST), policies.keys_only_in_dns, changes.forged_selectors(3)),
        touching("genuine", "backscatter", "dns", "sent", "organisation"),
    )


def _forgers() -> Iterator[Circumstance]:
    family = "forger variants"
    for name, words, step in (
        ("forged-to-others", "What is forged names somebody else in `To:`", changes.forged_to_others),
        ("forged-without-to", "What is forged has no `To:`", changes.forged_without_to),
        ("forged-resent-from", "What is forged bears `Resent-From:`", changes.forged_resent),
    ):
        yield Circumstance(
            f"{name}/true",
            f"{words}; the policy is strict and true.",
            family,
            Policy.TRUE,
            (policies.strict(), step),
            touching("backscatter", "dns"),
        )
        yield Circumstance(
            f"{name}/open",
            f"{words}; `~all` and `p=none`, every other mail without a copy.",
            family,
            Policy.OPEN,
            (policies.soft(), step, changes.half_the_copies),
            touching("backscatter", "dns", "sent"),
        )


NEW_KEY: Final = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7vbqajDw4o6gJy8UtmIbkcpnkO3Kwc4qsEnSZp/TR+fQi62F79RHWmwKO"
    "tFmwteURLQZ/mfrDSVYVpcx7+wvW9dEVVZ1wEoU4wSZY7wCCwbkW4XCvHnGrXqbEvHgzUQnZPhTVxSvbFhB6QhXiTPkVKQ5cgaP6rvu4IfMPQQIDAQAB"
)
