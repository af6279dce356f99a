"""
The catalogue: everyday circumstances that a mail system may be in, as rewritings of a labelled world.

A circumstance changes what such a world would show, and nothing else: the labels stay true. `docs/circumstances.md`
lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from cleaner.lab import accounts, changes, mailings, policies, traces, ways
from cleaner.lab.policies import Policy, silent, soft, stale, strict
from cleaner.lab.scene import Scene, Step
from cleaner.lab.ways import Choice, Service
from cleaner.service import withholding

TRUE, OPEN, UNKNOWN = Policy.TRUE, Policy.OPEN, Policy.UNKNOWN
CONTRADICTED, FALSE = Policy.CONTRADICTED, Policy.FALSE


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
    """What it may change: `genuine`, `backscatter`, `ordinary`, `messages`, `sent`, `organisation`, `owners`, `dns`."""

    def __call__(self, scene: Scene) -> Scene:
        """The world in this circumstance. Third parties are `apart` in it already."""
        for step in self.steps:
            scene = step(scene)
        return scene


@cache
def circumstances() -> tuple[Circumstance, ...]:
    """All of them; those that differ in policy alone stand together and share their first steps."""
    return tuple(one for family, of in _FAMILIES.items() for one in of(family))


def one(
    name: str, family: str, policy: Policy, sentence: str, *steps: Step, touches: str = ""
) -> Circumstance:
    return Circumstance(name, sentence, family, policy, steps, frozenset((*touches.split(), "dns")))


@dataclass(frozen=True, slots=True)
class Way:
    """A way of our mail that the configuration does not know, to be combined with policies."""

    name: str
    sentence: str
    family: str
    service: Service
    steps: tuple[Step, ...]
    contradicted: tuple[Step, ...] = ()
    """The steps where one mail a mailbox is proven; without them much is proven anyway."""
    touches: str = "genuine sent"


_SAYS: Final = {
    TRUE: "The policy is strict and names it.",
    OPEN: "`~all` and `p=none`.",
    UNKNOWN: "No name server ever answered.",
    CONTRADICTED: "The policy is strict and does not name it; proven mail contradicts that.",
    FALSE: "The policy is strict and does not name it, and nothing contradicts that.",
}


def under(way: Way, *wanted: Policy) -> Iterator[Circumstance]:
    publish: dict[Policy, Step] = {
        TRUE: strict(way.service),
        OPEN: soft(way.service),
        UNKNOWN: silent,
        CONTRADICTED: stale(way.service),
        FALSE: stale(way.service),
    }
    for policy in wanted:
        steps = way.contradicted if policy is CONTRADICTED and way.contradicted else way.steps
        yield one(
            f"{way.name}/{policy.value}",
            way.family,
            policy,
            f"{way.sentence} {_SAYS[policy]}",
            *steps,
            publish[policy],
            touches=way.touches,
        )


def uncopied(name: str, sentence: str, family: str, service: Service, choice: Choice) -> Way:
    """Some mail goes by a service, unsigned and without a copy: nothing proves it."""
    sent = ways.sent_by(service, choice, reports=False)
    return Way(
        name,
        sentence,
        family,
        service,
        (changes.no_copies_of(choice), sent),
        (changes.no_copies_of(choice, but_one=True), sent),
    )


# --- the world as it is ---------------------------------------------------------------------------


def _as_it_is(family: str) -> Iterator[Circumstance]:
    half = changes.half_the_copies
    yield one(
        "as-it-is",
        family,
        TRUE,
        "Third parties have networks of their own; a strict and true policy.",
        strict(),
    )
    yield one(
        "half-copies",
        family,
        TRUE,
        "The same, and every other mail left no copy.",
        half,
        strict(),
        touches="sent",
    )
    yield one(
        "no-copies",
        family,
        TRUE,
        "The Sent folder is not found: it has another name.",
        changes.no_copies,
        strict(),
        touches="sent",
    )
    yield one("open", family, OPEN, "Our domains publish `~all` and `p=none`.", soft())
    yield one(
        "open-half-copies",
        family,
        OPEN,
        "`~all` and `p=none`, and every other mail left no copy.",
        half,
        soft(),
        touches="sent",
    )
    yield one("open-nothing", family, OPEN, "Our domains publish no policy.", policies.nothing_published())
    yield one("dns-silent", family, UNKNOWN, "No name server ever answered.", silent)
    yield one(
        "dns-silent-half-copies",
        family,
        UNKNOWN,
        "The same, and every other mail left no copy.",
        half,
        silent,
        touches="sent",
    )


# --- other senders --------------------------------------------------------------------------------


def _moves(family: str) -> Iterator[Circumstance]:
    half = changes.half_the_copies
    for name, provider, service in (
        ("microsoft-365", "Microsoft 365", ways.MICROSOFT),
        ("google", "Google", ways.GOOGLE),
    ):
        moved = ways.sent_by(service, changes.late)
        yield from under(
            Way(
                name,
                f"In mid-time the mail moved to {provider}; the old relays are still listed, copies are kept.",
                family,
                service,
                (moved,),
                touches="genuine",
            ),
            TRUE,
            OPEN,
            CONTRADICTED,
            UNKNOWN,
        )
        yield from under(
            Way(
                f"{name}-half-copies",
                f"The same move to {provider}, and every other mail left no copy.",
                family,
                service,
                (moved, half),
            ),
            TRUE,
            OPEN,
            CONTRADICTED,
            UNKNOWN,
        )
    yield from under(
        Way(
            "smarthost-pool",
            "All mail leaves by the pool of a smart-host service, every other one without a copy.",
            family,
            ways.SMARTHOST,
            (ways.sent_by(ways.SMARTHOST, changes.everyone), half),
        ),
        TRUE,
        OPEN,
        CONTRADICTED,
        UNKNOWN,
    )
    cloud = ways.sent_by(ways.CLOUD, changes.everyone)
    yield from under(
        Way(
            "cloud-server",
            "All mail leaves by a new cloud server with a generic host name, and leaves no copy.",
            family,
            ways.CLOUD,
            (cloud, changes.no_copies),
            (changes.no_copies_of(changes.everyone, but_one=True), cloud),
        ),
        TRUE,
        OPEN,
        CONTRADICTED,
        UNKNOWN,
        FALSE,
    )
    yield from under(
        Way(
            "cloud-server-own-name",
            "In mid-time a cloud server took over, which calls itself as the old one did; no copies since.",
            family,
            ways.OWN_CLOUD,
            (
                changes.no_copies_of(changes.late),
                ways.sent_by(ways.OWN_CLOUD, changes.late),
                changes.no_copies_since,
            ),
        ),
        TRUE,
        OPEN,
        UNKNOWN,
    )
    hosted = accounts.hosted(ways.PROVIDER)
    for suffix, words, more in (
        ("", "Mail is signed", ()),
        ("-unsigned", "Mail is unsigned", (changes.unsigned(),)),
    ):
        yield from under(
            Way(
                f"provider-listed{suffix}",
                f"The whole mail server is a provider's, listed by address. {words}, every other one without a copy.",
                family,
                ways.PROVIDER,
                (hosted, *more, half),
                touches="genuine backscatter ordinary sent organisation",
            ),
            TRUE,
            OPEN,
            UNKNOWN,
        )
    yield from under(
        Way(
            "provider-unlisted",
            "A provider's servers that nobody listed send all mail, half of it without a copy.",
            family,
            ways.PROVIDER,
            (ways.sent_by(ways.PROVIDER, changes.everyone), half),
        ),
        TRUE,
        OPEN,
        CONTRADICTED,
        UNKNOWN,
    )


def _strangers(family: str) -> Iterator[Circumstance]:
    every = (TRUE, OPEN, CONTRADICTED, UNKNOWN, FALSE)
    tenth = changes.one_in(10)
    at_hand = uncopied(
        "at-hand",
        "A tenth of the mail is sent by whatever server is at hand, unsigned and without a copy.",
        family,
        ways.AT_HAND,
        tenth,
    )
    yield from under(at_hand, *every)
    shop = uncopied(
        "web-shop",
        "The web shop stands at a hoster that nobody listed; unsigned, without copies.",
        family,
        ways.SHOP,
        changes.from_beside,
    )
    yield from under(shop, *every)
    crm = uncopied(
        "crm",
        "The CRM is a service that nobody listed; unsigned, without copies.",
        family,
        ways.CRM,
        changes.from_beside,
    )
    yield from under(crm, *every)
    for name, sentence, publish in (
        (
            "pct",
            "DMARC is asked for on a fifth of the mail alone (`pct=20`).",
            policies.strict_dmarc("p=reject; pct=20"),
        ),
        ("testing", "DMARC is in testing (`t=y`).", policies.strict_dmarc("p=reject; t=y")),
        ("dmarc-none", "SPF ends in `-all`, DMARC in `p=none`.", policies.strict_dmarc("p=none")),
        ("two-policies", "Two SPF policies are published, which is an error.", policies.two_policies),
        ("plus-all", "SPF ends in `+all`.", policies.plus_all),
        ("too-wide", "SPF allows networks of millions of addresses.", policies.too_wide),
    ):
        yield one(
            f"at-hand-{name}",
            family,
            OPEN,
            f"A tenth of the mail is sent by whatever is at hand. {sentence}",
            *at_hand.steps,
            publish,
            touches="genuine sent",
        )
    sent = ways.sent_by(ways.CRM, changes.from_beside, reports=False)
    yield one(
        "crm-contradicted-elsewhere",
        family,
        CONTRADICTED,
        "The CRM is not listed by a strict policy; a single proven mail, in one mailbox of all, contradicts that.",
        changes.no_copies_of(changes.from_beside, but_one=True, in_one_mailbox=True),
        sent,
        stale(ways.CRM),
        touches="genuine sent",
    )
    for policy, sentence, steps in (
        (TRUE, "and it is so.", (soft(), claimed)),
        (
            CONTRADICTED,
            "but the CRM sends, which a proven mail in each mailbox shows.",
            (*crm.contradicted, soft(ways.CRM), claimed),
        ),
        (FALSE, "but the CRM sends, and nothing shows that.", (*crm.steps, soft(ways.CRM), claimed)),
    ):
        yield one(
            f"claimed-complete/{policy.value}",
            family,
            policy,
            f"The administrator says that all our senders are listed (`senders_complete`), {sentence}",
            *steps,
            touches="organisation" if policy is TRUE else "organisation genuine sent",
        )


def claimed(scene: Scene) -> Scene:
    """`senders_complete = true`."""
    claim = {"senders_complete": True}
    if not claim.keys() <= scene.organisation.__dataclass_fields__.keys():
        return scene
    return scene.with_organisation(replace(scene.organisation, **claim))  # type: ignore[arg-type]


def _accounts(family: str) -> Iterator[Circumstance]:
    some = changes.one_in(7, "second")
    for listed in (False, True):
        suffix, words = ("-listed", "and is among `identities`") if listed else ("", "and nobody told of it")
        step = accounts.second_account(some, listed=listed)
        for policy, says, publish in (
            (TRUE, "Our own policy is strict and true.", strict()),
            (OPEN, _SAYS[OPEN], soft()),
            (UNKNOWN, _SAYS[UNKNOWN], silent),
        ):
            yield one(
                f"second-account{suffix}/{policy.value}",
                family,
                policy,
                f"A second account of the owner, at another domain, is forwarded into the mailbox {words}. {says}",
                step,
                publish,
                touches="genuine sent owners" if listed else "genuine sent",
            )


def _addresses(family: str) -> Iterator[Circumstance]:
    quarter = changes.one_in(4, "address")
    half = changes.half_the_copies
    for name, sentence, step, touches in (
        ("plus-addresses", "Some mail is sent under plus addresses.", accounts.tagged(quarter), ""),
        (
            "subdomain",
            "Some mail is sent under a subdomain that publishes nothing.",
            accounts.of_subdomain(quarter),
            "",
        ),
        (
            "delegates",
            "A colleague sends some mail in the owner's name, and keeps the copies.",
            accounts.by_delegate(quarter),
            "",
        ),
        (
            "new-domain",
            "Some mail is sent under a new domain of ours without records.",
            accounts.of_new_domain(quarter),
            "organisation owners",
        ),
        (
            "internationalised",
            "Some recipients have internationalised addresses (SMTPUTF8).",
            traces.readdressed(quarter, traces.in_utf8, in_to=True),
            "",
        ),
    ):
        yield one(
            f"{name}/true",
            family,
            TRUE,
            f"{sentence} Every other mail left no copy; our policy is strict and true.",
            step,
            half,
            strict(),
            touches=f"genuine sent {touches}",
        )
        yield one(
            f"{name}/open",
            family,
            OPEN,
            f"{sentence} Every other mail left no copy. {_SAYS[OPEN]}",
            step,
            half,
            soft(),
            touches=f"genuine sent {touches}",
        )


# --- on the way to the recipient --------------------------------------------------------------------


def _forwarding(family: str) -> Iterator[Circumstance]:
    some = changes.one_in(4, "forwarded")
    half = changes.half_the_copies
    forwarded = (
        changes.unsigned(some),
        changes.taking_in(changes.FORWARDER, some),
        changes.passing(changes.FORWARDER, changes.genuine(some)),
        traces.readdressed(some, traces.moved_on),
        half,
    )
    for name, sentence, steps in (
        (
            "forwarded",
            "Some recipients' sites forward mail elsewhere by a service that is their MX; unsigned, half uncopied.",
            forwarded,
        ),
        (
            "rewritten-senders",
            "The same, and the service rewrites senders (SRS): what it cannot deliver comes back by it.",
            (*forwarded, accounts.back_through(changes.FORWARDER, some)),
        ),
        (
            "list-expansion",
            "Some mail goes to a list, whose members' servers report to the author; half without a copy.",
            (traces.expanded_by_list(some), changes.taking_in(changes.LISTS, some), half),
        ),
        (
            "journaling",
            "Some reports are of an archive that gets a copy of our mail; unsigned, half without a copy.",
            (changes.unsigned(some), traces.readdressed(some, traces.to_archive), half),
        ),
        (
            "blind-copies",
            "Some recipients are blind copies; unsigned, half of it without a copy.",
            (traces.blind(some), half),
        ),
    ):
        yield one(
            f"{name}/true",
            family,
            TRUE,
            f"{sentence} Our policy is strict and true.",
            *steps,
            strict(),
            touches="genuine sent",
        )
        yield one(
            f"{name}/open", family, OPEN, f"{sentence} {_SAYS[OPEN]}", *steps, soft(), touches="genuine sent"
        )


def _filters(family: str) -> Iterator[Circumstance]:
    half = changes.half_the_copies
    wrong = changes.configured(withholding.wrong_relays)
    for name, sentence, step, who in (
        (
            "filtered-sites",
            "Every recipient's site has a filtering service in front, also those that forgers write to.",
            changes.filtered,
            "genuine backscatter",
        ),
        (
            "filtered-correspondents",
            "The sites that our people write to have a filter in front, others have none.",
            changes.correspondents_filtered,
            "genuine",
        ),
    ):
        yield one(name, family, TRUE, f"{sentence} All is configured rightly.", strict(), step, touches=who)
        yield one(
            f"{name}-half-copies",
            family,
            TRUE,
            f"{sentence} Every other mail left no copy.",
            strict(),
            step,
            half,
            touches=f"{who} sent",
        )
        yield one(
            f"{name}-wrong-relays",
            family,
            TRUE,
            f"{sentence} The relays are mistyped.",
            strict(),
            step,
            wrong,
            touches=f"{who} organisation",
        )
        yield one(
            f"{name}-open",
            family,
            OPEN,
            f"{sentence} `~all` and `p=none`, half without a copy.",
            soft(),
            step,
            half,
            touches=f"{who} sent",
        )


# --- what is known of us ----------------------------------------------------------------------------


def _keys(family: str) -> Iterator[Circumstance]:
    away = (ways.sent_by(ways.SMARTHOST, changes.everyone, signed=True), changes.no_copies)
    begins = "Mail is signed, leaves by a service that nobody listed and leaves no copy;"
    who = "genuine sent organisation"
    yield one(
        "keys-dns-silent",
        family,
        UNKNOWN,
        f"{begins} no name server answers for the key.",
        *away,
        policies.without_keys(),
        silent,
        touches=who,
    )
    for policy, publish in (
        (TRUE, strict(ways.SMARTHOST)),
        (OPEN, soft(ways.SMARTHOST)),
        (FALSE, stale(ways.SMARTHOST)),
    ):
        words = {TRUE: "A strict and true policy.", OPEN: _SAYS[OPEN], FALSE: _SAYS[FALSE]}[policy]
        yield one(
            f"keys-rotated/{policy.value}",
            family,
            policy,
            f"{begins} the selector has been replaced by another since. {words}",
            *away,
            publish,
            policies.without_keys(others={"s2027": NEW_KEY}),
            touches=who,
        )
    yield one(
        "keys-crowded-out",
        family,
        OPEN,
        f"{begins} the key stands in DNS alone, and forged signatures name hundreds of invented selectors.",
        *away,
        soft(ways.SMARTHOST),
        policies.keys_only_in_dns,
        changes.forged_selectors(3),
        touches=f"{who} backscatter",
    )
    yield one(
        "invented-selectors",
        family,
        TRUE,
        "What is forged bears signatures of invented selectors in our name; all else as it is, half without a copy.",
        strict(),
        policies.keys_only_in_dns,
        changes.forged_selectors(1),
        changes.half_the_copies,
        touches="backscatter sent organisation",
    )


def _configuration(family: str) -> Iterator[Circumstance]:
    half = changes.half_the_copies
    for name, sentence, change in (
        ("relays-by-name", "The relays are listed by name only.", withholding.relays_by_name),
        ("one-relay", "Only one relay is listed.", withholding.one_relay),
        ("relays-mistyped", "The relays are mistyped, and nothing else is listed.", withholding.wrong_relays),
        ("nothing-configured", "Nothing but the domains is configured.", withholding.nothing),
        ("one-domain", "Of our domains only one is configured.", withholding.one_domain),
        ("no-authserv-ids", "`authserv_ids` is not set.", lambda it: replace(it, authserv_ids=frozenset())),
    ):
        step = changes.configured(change)
        for policy, publish in ((TRUE, strict()), (OPEN, soft()), (UNKNOWN, silent)):
            if policy is UNKNOWN and name != "relays-mistyped":
                continue
            words = {TRUE: "The policy is strict and true.", OPEN: _SAYS[OPEN], UNKNOWN: _SAYS[UNKNOWN]}[
                policy
            ]
            yield one(
                f"{name}/{policy.value}",
                family,
                policy,
                f"{sentence} Every other mail left no copy. {words}",
                half,
                publish,
                step,
                touches="sent organisation",
            )


def _traces(family: str) -> Iterator[Circumstance]:
    half = changes.half_the_copies
    for name, sentence, steps, terms, who in (
        (
            "ipv6",
            "Our server hands over by IPv6, as listed; unsigned.",
            (traces.by_ipv6(listed=True),),
            traces.ipv6_terms,
            "genuine organisation",
        ),
        (
            "ipv6-unlisted",
            "Our server hands over by IPv6, only its IPv4 address is listed; unsigned.",
            (traces.by_ipv6(listed=False),),
            traces.ipv6_terms,
            "genuine",
        ),
        (
            "behind-nat",
            "Our server stands behind address translation, its public address is not listed; unsigned.",
            (traces.behind_nat,),
            traces.nat_terms,
            "genuine",
        ),
    ):
        yield one(
            f"{name}/true",
            family,
            TRUE,
            f"{sentence} The policy is strict and names the address; half without a copy.",
            *steps,
            half,
            policies.strict_with(terms),
            touches=f"{who} sent",
        )
        yield one(
            f"{name}/open",
            family,
            OPEN,
            f"{sentence} Every other mail left no copy. {_SAYS[OPEN]}",
            *steps,
            half,
            soft(),
            touches=f"{who} sent",
        )
    for name, sentence, step, who in (
        (
            "helo-alone",
            "Reporting servers note what the peer called itself and no address; unsigned.",
            traces.by_name_alone,
            "genuine backscatter",
        ),
        (
            "strange-clocks",
            "The clocks of reporting servers are wrong by hours.",
            traces.strange_clocks,
            "genuine backscatter",
        ),
        (
            "local-zones",
            "Reporting servers write local time and call it UTC.",
            traces.local_zones,
            "genuine backscatter",
        ),
        (
            "rebuilt",
            "The mailbox server rebuilds mail: what is attached has lost its trace and its signatures.",
            traces.rebuilt,
            "genuine backscatter",
        ),
        (
            "without-trace",
            "Reporting servers return a header without trace lines; our mail is unsigned.",
            traces.without_trace,
            "genuine backscatter",
        ),
        (
            "migrated",
            "The mailbox was brought over from elsewhere: every message has the day of the move.",
            changes.migrated,
            "genuine backscatter ordinary",
        ),
    ):
        yield one(
            f"{name}/true",
            family,
            TRUE,
            f"{sentence} Half without a copy; our policy is strict and true.",
            step,
            half,
            strict(),
            touches=f"{who} sent",
        )
        yield one(
            f"{name}/open",
            family,
            OPEN,
            f"{sentence} Half without a copy. {_SAYS[OPEN]}",
            step,
            half,
            soft(),
            touches=f"{who} sent",
        )


# --- much at once, and what forgers write -----------------------------------------------------------


def _mailings(family: str) -> Iterator[Circumstance]:
    yield one(
        "newsletter-relay",
        family,
        TRUE,
        "A newsletter to 500 dead addresses, by a listed relay, signed by nobody, no copies.",
        mailings.newsletter(None),
        strict(),
        touches="messages",
    )
    for name, words, service in (
        ("newsletter-service", "an unknown service with one network", ways.NEWSLETTER),
        ("newsletter-service-three-networks", "an unknown service with three networks", ways.NEWSLETTER_WIDE),
    ):
        for policy, publish in (
            (TRUE, strict(service)),
            (OPEN, soft(service)),
            (UNKNOWN, silent),
            (FALSE, stale(service)),
        ):
            yield one(
                f"{name}/{policy.value}",
                family,
                policy,
                f"A newsletter to 500 dead addresses, by {words}, unsigned, no copies. {_SAYS[policy]}",
                mailings.newsletter(service),
                publish,
                touches="messages",
            )
    half = changes.half_the_copies
    bare = changes.unsigned()
    for policy, publish in ((TRUE, strict()), (OPEN, soft())):
        yield one(
            f"genuine-in-flood/{policy.value}",
            family,
            policy,
            f"Genuine reports come back late, within the flood; unsigned, half without a copy. "
            f"{'A strict and true policy.' if policy is TRUE else _SAYS[OPEN]}",
            mailings.in_the_flood,
            bare,
            half,
            publish,
            touches="genuine sent",
        )
        yield one(
            f"answers-alone/{policy.value}",
            family,
            policy,
            f"Of genuine notices only automatic answers come, which return nothing; no copies. "
            f"{'A strict and true policy.' if policy is TRUE else _SAYS[OPEN]}",
            mailings.answers_alone,
            changes.no_copies,
            publish,
            touches="messages sent",
        )


def _forgers(family: str) -> Iterator[Circumstance]:
    half = changes.half_the_copies
    for name, words, step in (
        ("forged-to-others", "What is forged names somebody else in `To:`.", changes.forged_to_others),
        ("forged-resent-from", "What is forged bears `Resent-From:`.", changes.forged_resent),
        ("forged-without-to", "What is forged has no `To:`.", changes.forged_without_to),
    ):
        yield one(
            f"{name}/true",
            family,
            TRUE,
            f"{words} A strict and true policy.",
            step,
            strict(),
            touches="backscatter",
        )
        yield one(
            f"{name}-half-copies/true",
            family,
            TRUE,
            f"{words} A strict and true policy, half without a copy.",
            step,
            half,
            strict(),
            touches="backscatter sent",
        )
        yield one(
            f"{name}-half-copies/open",
            family,
            OPEN,
            f"{words} Half without a copy. {_SAYS[OPEN]}",
            step,
            half,
            soft(),
            touches="backscatter sent",
        )
    shared = (
        ways.sent_by(ways.MICROSOFT, changes.everyone),
        ways.forged_by(ways.MICROSOFT, changes.one_in(3, "tenant")),
        half,
    )
    yield one(
        "shared-provider",
        family,
        TRUE,
        "Our mail and a third of what is forged leave by Microsoft 365, which our strict policy names; half uncopied.",
        *shared,
        strict(ways.MICROSOFT),
        touches="genuine backscatter sent",
    )


_FAMILIES: Final[dict[str, Callable[[str], Iterator[Circumstance]]]] = {
    "as it is": _as_it_is,
    "provider move": _moves,
    "strangers": _strangers,
    "second account": _accounts,
    "addresses": _addresses,
    "forwarding": _forwarding,
    "filter": _filters,
    "keys": _keys,
    "configuration": _configuration,
    "traces": _traces,
    "mailings": _mailings,
    "forger variants": _forgers,
}

NEW_KEY: Final = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7vbqajDw4o6gJy8UtmIbkcpnkO3Kwc4qsEnSZp/TR+fQi62F79RHW"
    "mwKOtFmwteURLQZ/mfrDSVYVpcx7+wvW9dEVVZ1wEoU4wSZY7wCCwbkW4XCvHnGrXqbEvHgzUQnZPhTVxSvbFhB6QhXiTPkVKQ5cgaP6rvu4I"
    "fMPQQIDAQAB"
)
