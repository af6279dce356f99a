"""Ctrl-C asks for an end first and forces it the second time."""

from __future__ import annotations

import os
import signal

import pytest

from cleaner.cli.stopping import interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_forces(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with interruption() as stopping:
        assert not stopping()
        os.kill(os.getpid(), number)
        assert stopping()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
    assert ("Ctrl-C again" in capsys.readouterr().err) == (number is signal.SIGINT)
