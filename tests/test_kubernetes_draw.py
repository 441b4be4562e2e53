"""Drawn clusters: equal for equal seeds, of every family, with every outcome and every filter among them."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.reference.kubernetes import FAMILIES, decide_all, draw_case
from tests.reference.kubernetes.plugin import Plugin
from tests.reference.kubernetes.schedule import PROFILE

OUTCOMES = {"bound", "unschedulable", "preempted", "gated"}
# A pod that names its node is not scheduled, and not drawn; two plugins only score.
SILENT = {"NodeName", "NodeResourcesBalancedAllocation", "ImageLocality"}


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_seeds_draw_equal_cases(family):
    assert json.dumps(draw_case(7, family)) == json.dumps(draw_case(7, family))
    assert draw_case(7, family) != draw_case(8, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_deciding_leaves_the_case_as_it_was(family):
    case = draw_case(3, family)
    before = json.dumps(case)

    decisions = decide_all(case)

    assert json.dumps(case) == before
    assert len(decisions) == len(case["cluster"]["pending"])
    assert json.dumps(decisions) == json.dumps(decide_all(case))


def test_drawn_clusters_reach_every_outcome_and_every_filter():
    outcomes: Counter[str] = Counter()
    rejecting: Counter[str] = Counter()
    scoring: Counter[str] = Counter()

    for family in FAMILIES:
        for seed in range(20):
            for decision in decide_all(draw_case(seed, family)):
                outcomes[decision["outcome"]] += 1
                rejecting.update(each["plugin"] for each in decision.get("filters", {}).values())
                scoring.update(plugin for each in decision.get("scores", {}).values() for plugin in each)

    assert set(outcomes) == OUTCOMES
    assert set(rejecting) == {plugin.name for plugin in PROFILE} - SILENT | {"PreFilterResult"}
    assert set(scoring) == {plugin.name for plugin in PROFILE if plugin.pre_score is not Plugin.pre_score} | {"total"}
