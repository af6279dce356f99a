"""How the model fits is told to Prometheus, by organisation, without naming anybody."""

from __future__ import annotations

from pathlib import Path

from cleaner.app import App
from cleaner.service import models
from cleaner.service.scan import MailboxScan
from cleaner.service.serve import Service
from cleaner.service.serve.work import Worked
from cleaner.store.records import Turn
from cleaner.web.metrics import Metrics
from tests.service.hands import ANN, Hands, installed


def test_shares_warnings_and_candidates_are_told(tmp_path: Path) -> None:
    clock: list[Hands] = []
    with App.open(installed(tmp_path / "demo"), clock=lambda: clock[0].now) as app:
        hands = Hands(app, tmp_path / "demo")
        clock.append(hands)
        hands.opt_in(ANN)
        name = models.in_use(app.context, "harbor")
        assert name is not None
        models.promote(app.context, "none")
        models.judge_along(app.context, name)
        hands.scan()
        metrics = Metrics()
        metrics.watch(Service(app.context))
        line = {"verdict": "unsure", "plan": "none", "outcome": "none", "model": name, "probability": 0.97}
        turn = Turn(ANN, "mailboxes", hands.now, state="done")
        metrics.began("mailboxes")
        metrics.ended("mailboxes", "harbor", Worked(turn, scan=MailboxScan(ANN, None, lines=(line,))), 0.1)
        text = metrics.text().decode()
    labels = 'measure="unsure",model="none",organisation="harbor"'
    assert f"bounce_cleaner_model_drift_warning{{{labels}}} 0.0" in text
    assert f"bounce_cleaner_model_drift{{{labels}}} " in text
    assert f'bounce_cleaner_model_candidate_judged{{model="{name}",organisation="harbor"}} ' in text
    assert (
        f'bounce_cleaner_model_probability_bucket{{le="0.95",model="{name}",organisation="harbor"}} 0.0'
        in text
    )
    assert (
        f'bounce_cleaner_model_probability_bucket{{le="1.0",model="{name}",organisation="harbor"}} 1.0'
        in text
    )
    assert ANN not in text
