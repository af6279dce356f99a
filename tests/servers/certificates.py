"""Certificates for the servers that tests start: a good one, and each kind of bad one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Certificate:
    """The files that a server needs."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; who trusts it is given `ca_file`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        own = (
            _builder(self._name, self._name, self._key.public_key(), timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def good(self) -> Certificate:
        return self._issue("good", HOSTS)

    def for_hosts(self, *hosts: str) -> Certificate:
        return self._issue("hosts", hosts)

    def for_another_host(self) -> Certificate:
        return self._issue("elsewhere", ("mail.elsewhere.example",))

    def expired(self) -> Certificate:
        return self._issue("expired", HOSTS, ends=timedelta(days=-1))

    def self_signed(self) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        return self._issue("selfsigned", HOSTS, key=key, signer=key, issuer=_name(HOSTS[0]))

    def _issue(
        self,
        file: str,
        hosts: tuple[str, ...],
        *,
        ends: timedelta = timedelta(days=30),
        key: ec.EllipticCurvePrivateKey | None = None,
        signer: ec.EllipticCurvePrivateKey | None = None,
        issuer: x509.Name | None = None,
    ) -> Certificate:
        key = key or ec.generate_private_key(ec.SECP256R1())
        signed = (
            _builder(_name(hosts[0]), issuer or self._name, key.public_key(), ends)
            .add_extension(
                x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False
            )
            .sign(signer or self._key, hashes.SHA256())
        )
        found = Certificate(self.folder / f"{file}.pem", self.folder / f"{file}.key")
        found.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        found.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return found


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + ends)
    )
