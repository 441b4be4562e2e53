"""Who decides: one profile all pending pods, several their own; the pods of other schedulers are left alone."""

from __future__ import annotations

import pytest

import placer as pl
from placer.errors import UsageError
from placer.model.profile import KUBERNETES, Profile
from placer.profiles import choose

A, B = Profile(scheduler_name="a"), Profile(scheduler_name="b")


def mixed() -> pl.Cluster:
    """Three pending pods of three schedulers, one of them gated, and one that stands."""
    return pl.Cluster(
        [pl.Node("n1", cpu=8)],
        [
            pl.Pod("first", cpu=1, scheduler_name="a"),
            pl.Pod("gated", cpu=1, scheduler_name="b", scheduling_gates=["wait"]),
            pl.Pod("standing", cpu=1, scheduler_name="a", node="n1"),
            pl.Pod("last", cpu=1, scheduler_name="c"),
        ],
    )


def shares(choice) -> list[tuple[str, list[int]]]:
    return [(profile.scheduler_name, rows.tolist()) for profile, rows in choice.shares(mixed())]


def test_a_name_or_one_profile_decides_all_pending_pods():
    assert shares(choose("kubernetes")) == [("default-scheduler", [0, 1, 3])]
    assert shares(choose(A)) == [("a", [0, 1, 3])]
    assert choose("kubernetes").profiles == (KUBERNETES,)


def test_several_profiles_decide_the_pods_that_name_them():
    assert shares(choose([B, A])) == [("b", [1]), ("a", [0])]
    assert shares(choose((A,))) == [("a", [0])]


def test_a_scheduler_name_narrows_it():
    assert shares(choose("kubernetes", "c")) == [("default-scheduler", [3])]
    assert shares(choose([A, B], "b")) == [("b", [1])]
    assert choose(None, "c").decided(mixed()).tolist() == [False, False, False, True]


def test_without_a_profile_goals_decide():
    assert choose(None).profiles == ()
    assert choose(None).decided(mixed()).tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("profile", "scheduler_name", "said"),
    [
        ("nomad", None, "profile is 'nomad': there is no such profile; give 'kubernetes', or leave it out"),
        ([], None, "profile is an empty sequence: give one profile or more"),
        ([A, A], None, "profile has 'a' twice, a duplicate"),
        ([A, B], "c", "scheduler_name is 'c': no profile has that name; give one of 'a', 'b'"),
    ],
)
def test_wrong_choices(profile, scheduler_name, said):
    with pytest.raises(UsageError, match="^" + said):
        choose(profile, scheduler_name)
    with pytest.raises(UsageError):
        pl.solve(mixed(), profile=profile, scheduler_name=scheduler_name)


def test_pods_of_other_schedulers_are_neither_placed_nor_reported(tmp_path):
    cluster = mixed()

    answer = pl.solve(cluster, scheduler_name="a")

    assert [binding.pod for binding in answer.bindings] == ["default/first"]
    assert list(answer.unplaced) == []
    assert answer.objective["unplaced"] == 0
    assert pl.verify(cluster, answer) == []
    answer.write(tmp_path / "answer.json")
    assert pl.verify(cluster, pl.Solution.read(tmp_path / "answer.json")) == []
    assert [each.pod for each in pl.solve(cluster, scheduler_name="b").unplaced] == ["default/gated"]


def test_a_pod_of_the_scheduler_that_is_left_out_is_found():
    cluster = mixed()
    answer = pl.solve(cluster, scheduler_name="b")
    answer.schedulers = ["b", "c"]

    assert ("NotAccountedFor", "default/last") in [(found.rule, found.pod) for found in pl.verify(cluster, answer)]
