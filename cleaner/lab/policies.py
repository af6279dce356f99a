"""What our domains publish about who sends for them, in a circumstance: SPF and DMARC."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cleaner.evidence import ours
from cleaner.lab.scene import Scene, Step, merged
from cleaner.lab.ways import Service, machines
from cleaner.lookups.recorded import Records


class Policy(enum.Enum):
    """What is published or claimed of our senders, and whether it is so."""

    TRUE = "true"
    """Strict, and every way is listed."""
    OPEN = "open"
    """`~all` with `p=none`, or nothing at all: it promises nothing."""
    CONTRADICTED = "contradicted"
    """Strict and wrong, and mail that is proven ours says so."""
    UNKNOWN = "unknown"
    """No name server ever answered."""
    FALSE = "false"
    """Strict and wrong, and nothing contradicts it: what is lost there is told apart."""

    @property
    def must_lose_nothing(self) -> bool:
        return self is not Policy.FALSE


def strict(*services: Service, also: Iterable[str] = ()) -> Step:
    """Every domain of ours publishes what it published, and these services; anything else is refused."""

    def step(scene: Scene) -> Scene:
        terms = tuple(term for service in services for term in terms_of(scene, service))
        return published(known_to_dns(scene, services), (*terms, *also), "-all", "v=DMARC1; p=reject")

    return step


def stale(*services: Service) -> Step:
    """What is published is strict, and nobody told it of these services."""
    return lambda scene: published(known_to_dns(scene, services), (), "-all", "v=DMARC1; p=quarantine")


def soft(*services: Service) -> Step:
    """`~all` and `p=none`, without these services."""
    return lambda scene: published(known_to_dns(scene, services), (), "~all", "v=DMARC1; p=none")


def nothing_published(*services: Service) -> Step:
    """Our domains publish no policy; others do."""

    def step(scene: Scene) -> Scene:
        scene = known_to_dns(scene, services)
        return scene.with_dns(without_policies(scene.dns, scene))

    return step


def strict_with(terms: Callable[[Scene], Iterable[str]]) -> Step:
    """Strict and true, with terms that depend on the world."""
    return lambda scene: published(scene, terms(scene), "-all", "v=DMARC1; p=reject")


def strict_dmarc(tags: str) -> Step:
    """`-all`, as it was published, and these words of DMARC."""
    return lambda scene: published(scene, (), "-all", f"v=DMARC1; {tags}")


def plus_all(scene: Scene) -> Scene:
    return published(scene, (), "+all", "v=DMARC1; p=reject")


def too_wide(scene: Scene) -> Scene:
    """Networks that together are wider than a /12 allow too many to tell anything."""
    return published(scene, ("ip4:198.16.0.0/12", "ip4:240.0.0.0/8"), "-all", "v=DMARC1; p=reject")


def two_policies(scene: Scene) -> Scene:
    """Two SPF records under one name are an error (RFC 7208 section 4.5)."""
    scene = published(scene, (), "-all", "v=DMARC1; p=reject")
    twice = {
        domain: (*texts(scene.dns, domain), "v=spf1 mx -all") for domain in sorted(scene.organisation.domains)
    }
    return scene.with_dns(merged(scene.dns, twice))


def silent(scene: Scene) -> Scene:
    """No name server answers, and none ever did."""
    return scene.with_dns(None)


def published(scene: Scene, terms: Iterable[str], ending: str, dmarc: str) -> Scene:
    found: dict[str, tuple[str, ...]] = {}
    for domain in sorted(scene.organisation.domains):
        words = [word for word in spf_of(scene, domain) if not word.lower().endswith("all")]
        found[domain] = (" ".join(dict.fromkeys((*words, *terms, ending))),)
        found[f"_dmarc.{domain}"] = (dmarc,)
    return scene.with_dns(merged(scene.dns, found))


def spf_of(scene: Scene, domain: str) -> list[str]:
    """The words of the policy that a domain publishes, else of one that lists what the configuration lists."""
    for text in texts(scene.dns, domain):
        if text.lower().startswith("v=spf1"):
            return text.split()
    organisation = scene.organisation
    listed = (*organisation.relay_networks, *organisation.client_networks)
    return ["v=spf1", *(f"ip{network.version}:{network}" for network in listed), "-all"]


def texts(dns: Records | None, name: str) -> tuple[str, ...]:
    kinds = (dns or {}).get(name, ())
    return tuple(kinds.get("TXT", ()) if isinstance(kinds, Mapping) else kinds)


def terms_of(scene: Scene, service: Service) -> tuple[str, ...]:
    """How a customer's policy lists a service."""
    if service.policy:
        return (f"include:{service.policy}",)
    return tuple(f"ip4:{address}" for address in sorted({one.ip for one in machines(scene, service)}))


def known_to_dns(scene: Scene, services: Iterable[Service]) -> Scene:
    """The services' own records: their machines, and the networks that they publish."""
    if scene.dns is None:
        scene = scene.with_dns({})
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for service in services:
        pool = machines(scene, service)
        for one in pool:
            found.setdefault(one.host, {})["A"] = (one.ip,)
            found.setdefault(one.ip, {})["PTR"] = (one.host,)
            found.setdefault(ours.registered_domain(one.host), {})["MX"] = (f"10 {one.host}",)
        if service.policy:
            networks = sorted({one.ip.rpartition(".")[0] for one in pool})
            allowed = " ".join(f"ip4:{network}.0/24" for network in networks)
            found.setdefault(service.policy, {})["TXT"] = (f"v=spf1 {allowed} ~all",)
    return scene.with_dns(merged(scene.dns, found))


def without_policies(dns: Records | None, scene: Scene) -> Records:
    """Without SPF and DMARC of our domains; keys and others' records stay."""
    domains = scene.organisation.domains
    gone = {*domains, *(f"_dmarc.{domain}" for domain in domains)}
    return {name: kinds for name, kinds in (dns or {}).items() if name not in gone}


def without_keys(*, others: Mapping[str, str] | None = None) -> Step:
    """No key of ours is configured, and none is found in the Domain Name System."""

    def step(scene: Scene) -> Scene:
        scene = scene.with_organisation(replace(scene.organisation, dkim_keys=()))
        if scene.dns is None:
            return scene
        kept = {name: kinds for name, kinds in scene.dns.items() if "._domainkey." not in name}
        more = {f"{name}._domainkey.{scene.domain}": (text,) for name, text in (others or {}).items()}
        return scene.with_dns(merged(kept, more))

    return step


def keys_only_in_dns(scene: Scene) -> Scene:
    """No key is configured; the Domain Name System has them all."""
    keys = {f"{k.selector}._domainkey.{k.domain}": (k.record,) for k in scene.organisation.dkim_keys}
    scene = scene.with_organisation(replace(scene.organisation, dkim_keys=()))
    return scene.with_dns(merged(scene.dns, keys))
