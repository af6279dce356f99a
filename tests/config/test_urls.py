"""An address that cannot be taken apart is a fault in our own words."""

from __future__ import annotations

import pytest

from cleaner.config.forms import web_address
from cleaner.config.urls import parts_of

REFUSED = "https://[::1/EWS"


def test_what_is_no_address_has_no_parts() -> None:
    assert parts_of("https://mail.harbor.example/EWS").hostname == "mail.harbor.example"
    assert (parts_of(REFUSED).scheme, parts_of(REFUSED).hostname) == ("", None)


def test_an_endpoint_of_that_kind_is_told_as_no_web_address() -> None:
    assert web_address("https://[::1]/EWS") == "https://[::1]/EWS"
    with pytest.raises(ValueError, match="is no web address"):
        web_address(REFUSED)
