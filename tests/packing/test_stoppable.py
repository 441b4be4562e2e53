"""A proof can be told to stop at any moment, also while its model is being built."""

from __future__ import annotations

import threading

import pytest
from strategies import random_cluster

import placer as pl
from packing.test_prove import hard_to_pack
from placer.packing import model as modelling
from placer.packing.model import Stopped
from placer.packing.stoppable import LOOK, StoppableModel


class Countdown(threading.Event):
    """Is set once it was looked at so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def test_a_model_that_is_to_stop_is_left_after_a_few_additions():
    model = StoppableModel(lambda: True, Stopped)
    literal = model.new_bool_var("x")
    ways = [
        lambda: model.new_bool_var(""),
        lambda: model.new_int_var(0, 2, ""),
        lambda: model.add(literal == 1),
        lambda: model.add_implication(literal, literal),
        lambda: model.add_bool_or(literal),
        lambda: model.add_hint(literal, 1),
    ]

    for way in ways:
        with pytest.raises(Stopped):
            [way() for _ in range(LOOK)]


def test_a_model_that_is_not_to_stop_is_built():
    model = StoppableModel(lambda: False, Stopped)

    literals = [model.new_bool_var("") for _ in range(3 * LOOK)]

    assert model.add_bool_or(literals) is not None


@pytest.mark.parametrize("looks", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_an_interrupt_at_any_look_gives_a_legal_answer_with_a_bound(looks):
    cluster = random_cluster(3, 15, 60)

    solution = pl.solve(cluster, prove=True, stop=Countdown(looks))

    assert pl.verify(cluster, solution) == []
    assert solution.stopped in ("interrupted", "done")
    assert all(solution.bound[tier] <= value + 1e-9 for tier, value in solution.objective.items())


def test_an_interrupt_while_the_model_is_built_comes_before_any_search(monkeypatch):
    solved = []
    monkeypatch.setattr(modelling, "run", lambda *_: solved.append(1))
    building = threading.Event()
    real = modelling.Variables

    def begin(*given):
        building.set()
        return real(*given)

    monkeypatch.setattr(modelling, "Variables", begin)
    cluster = hard_to_pack()

    solution = pl.solve(cluster, prove=True, stop=building)

    assert (solution.stopped, solved, solution.unplaced) == ("interrupted", [], [])
    assert 0 < solution.bound["pack"] <= solution.objective["pack"]
