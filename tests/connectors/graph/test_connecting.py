"""How large a batch may be, as the service lets it."""

from __future__ import annotations

from cleaner.connectors.graph.connecting import BATCH, LEAST, TRIED_AFTER, Gate


def test_a_batch_becomes_as_large_as_what_was_answered() -> None:
    gate = Gate()
    gate.note(20, 8)
    assert gate.many == 12
    gate.note(12, 12)
    assert gate.many == LEAST


def test_what_is_refused_of_a_small_batch_makes_no_smaller_one() -> None:
    gate = Gate()
    gate.note(3, 3)
    assert gate.many == BATCH


def test_it_becomes_larger_again_when_all_was_answered_for_a_while() -> None:
    gate = Gate()
    gate.note(20, 20)
    for _ in range(TRIED_AFTER - 1):
        gate.note(4, 0)
    gate.note(4, 1)
    for _ in range(TRIED_AFTER - 1):
        gate.note(4, 0)
    assert gate.many == LEAST
    gate.note(4, 0)
    assert gate.many == 2 * LEAST
    for _ in range(10 * TRIED_AFTER):
        gate.note(8, 0)
    assert gate.many == BATCH
