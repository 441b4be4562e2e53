"""verify agrees with a slow referee on random clusters with all rules mixed and random answers to them."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl
from placer.model.rule import Rule
from placer.solution import Solution
from placer.verify import Violation

from .goals import goals
from .referee import Referee
from .worlds import answer, world

RULES = {rule.name for rule in Rule}
SEEDS = st.integers(0, 2**32)


def broken(violations: list[Violation]) -> set[tuple[str, str]]:
    """(rule, pod) of the violations of a rule."""
    return {(violation.rule, violation.pod) for violation in violations if violation.rule in RULES}


@settings(max_examples=1500)
@given(SEEDS)
def test_rules_along_the_order_of_a_solution(seed):
    random = Random(seed)
    cluster = world(random)
    solution = Solution(input=cluster.digest, objective={}, **answer(random, cluster))

    violations = pl.verify(cluster, solution)

    assert broken(violations) == Referee(cluster).judge(solution)


@settings(max_examples=800)
@given(SEEDS)
def test_rules_of_the_present_placement(seed):
    cluster = world(Random(seed))

    violations = pl.verify(cluster)

    assert broken(violations) == Referee(cluster).audit()


@settings(max_examples=800)
@given(SEEDS)
def test_goals_of_the_final_state(seed):
    random = Random(seed)
    cluster = world(random)
    parts = answer(random, cluster)
    referee = Referee(cluster)
    referee.judge(Solution(input=cluster.digest, objective={}, **parts))
    solution = Solution(input=cluster.digest, objective=goals(referee), **parts)

    violations = pl.verify(cluster, solution)

    assert [violation.message for violation in violations if violation.rule == "Objective"] == []
