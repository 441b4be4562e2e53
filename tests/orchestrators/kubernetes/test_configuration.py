"""kube-scheduler's configuration file: profiles, plugins merged over the default, arguments, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import placer as pl
from placer.model.profile import FILTERS, KUBERNETES, WEIGHTS, AddedAffinity, Fit, Profile
from placer.model.relation import SpreadConstraint
from placer.model.selector import NodeSelectorTerm, PreferredNode
from placer.orchestrators.kubernetes import read_configuration

from .builders import PREFERRED, REQUIRED

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def read(**fields: Any) -> tuple[Profile, ...]:
    return read_configuration(json.dumps({**HEAD, **fields}))


def profile(*, args: dict[str, Any] | None = None, **plugins: Any) -> Profile:
    """The profile of these plugins at each extension point, and arguments by plugin."""
    config = [{"name": name, "args": value} for name, value in (args or {}).items()]
    (found,) = read(profiles=[{"plugins": plugins, "pluginConfig": config}])
    return found


def enabled(*names: str, disabled: tuple[str, ...] = (), **weighed: int) -> dict[str, Any]:
    return {
        "enabled": [{"name": name} for name in names] + [{"name": n, "weight": w} for n, w in weighed.items()],
        "disabled": [{"name": name} for name in disabled],
    }


def refused(**fields: Any) -> list[str]:
    with pytest.raises(pl.InputError) as caught:
        read(**fields)
    assert all(problem.startswith("configuration: ") for problem in caught.value.problems)
    return [problem.removeprefix("configuration: ") for problem in caught.value.problems]


def refused_args(plugin: str, **args: Any) -> list[str]:
    """What is wrong with a plugin's arguments, without their path."""
    path = "profiles[0].pluginConfig[0].args"
    found = refused(profiles=[{"pluginConfig": [{"name": plugin, "args": args}]}])
    assert all(problem.startswith(path) for problem in found)
    return [problem.removeprefix(path).removeprefix(".") for problem in found]


def refused_plugins(**plugins: Any) -> list[str]:
    path = "profiles[0].plugins."
    found = refused(profiles=[{"plugins": plugins}])
    assert all(problem.startswith(path) for problem in found)
    return [problem.removeprefix(path) for problem in found]


def test_a_configuration_without_profiles_is_the_default_one():
    assert read() == (KUBERNETES,)
    assert read(profiles=[{}]) == (KUBERNETES,)
    assert read(profiles=[{"plugins": None, "pluginConfig": None}]) == (KUBERNETES,)


def test_yaml_json_text_and_file_say_the_same(tmp_path: Path):
    text = (
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: a}]\n"
    )
    file = tmp_path / "scheduler.yaml"
    file.write_text(text)

    assert read_configuration(text) == read_configuration(file) == read_configuration(str(file))
    assert read_configuration(text) == read(profiles=[{"schedulerName": "a"}]) == (Profile(scheduler_name="a"),)


def test_profiles_keep_their_names_and_order():
    assert [each.scheduler_name for each in read(profiles=[{"schedulerName": "b"}, {"schedulerName": "a"}])] == [
        "b",
        "a",
    ]


def test_a_plugin_that_is_disabled_everywhere_neither_filters_nor_scores():
    found = profile(multiPoint=enabled(disabled=("TaintToleration",)))

    assert found.filters == tuple(name for name in FILTERS if name != "TaintToleration")
    assert found.weights == {name: weight for name, weight in WEIGHTS.items() if name != "TaintToleration"}


def test_a_plugin_may_be_disabled_at_one_extension_point():
    found = profile(score=enabled(disabled=("TaintToleration",)))

    assert found.filters == FILTERS
    assert "TaintToleration" not in found.weights


def test_a_weight_at_score_beats_that_of_multi_point_and_weight_zero_is_one():
    found = profile(
        multiPoint=enabled(NodeResourcesFit=7, ImageLocality=4), score=enabled("NodeAffinity", NodeResourcesFit=5)
    )

    assert dict(found.weights) == {**WEIGHTS, "NodeResourcesFit": 5, "NodeAffinity": 1, "ImageLocality": 4}


def test_filters_run_as_configured_before_those_of_multi_point():
    found = profile(filter=enabled("NodeResourcesFit", "NodeName"))

    assert found.filters[:3] == ("NodeResourcesFit", "NodeName", "NodeUnschedulable")
    assert sorted(found.filters) == sorted(FILTERS)


def test_all_may_be_disabled_and_some_enabled_again():
    found = profile(
        multiPoint=enabled("SchedulingGates", "PrioritySort", "DefaultBinder", "NodeName", "NodePorts", disabled=("*",))
    )
    assert (found.filters, dict(found.weights), found.gates, found.preempts) == (
        ("NodeName", "NodePorts"),
        {},
        True,
        False,
    )

    found = profile(filter=enabled("NodePorts", disabled=("*",)), score=enabled(disabled=("*",)))
    assert (found.filters, dict(found.weights)) == (("NodePorts",), {})


def test_a_filter_that_is_enabled_and_disabled_comes_last():
    assert profile(filter=enabled("NodeName", disabled=("NodeName",))).filters[-1] == "NodeName"


def test_gates_and_preemption_go_with_their_plugins():
    found = profile(preEnqueue=enabled(disabled=("SchedulingGates",)), postFilter=enabled(disabled=("*",)))

    assert (found.gates, found.preempts) == (False, False)


def test_plugins_that_placer_has_no_rule_for_are_read_and_decide_nothing():
    found = profile(
        multiPoint=enabled("GangScheduling", "NodeDeclaredFeatures"), filter=enabled(disabled=("EBSLimits",))
    )

    assert found == KUBERNETES


NAMES = ["NodeName", "TaintToleration", "NodeAffinity", "NodeResourcesFit", "ImageLocality", "PodTopologySpread"]
plugin_sets = st.fixed_dictionaries(
    {
        "enabled": st.lists(
            st.builds(lambda name, weight: {"name": name, "weight": weight}, st.sampled_from(NAMES), st.integers(0, 9)),
            unique_by=lambda plugin: plugin["name"],
            max_size=4,
        ),
        "disabled": st.lists(st.sampled_from([*NAMES, "*"]).map(lambda name: {"name": name}), max_size=3),
    }
)
SCORING = [name for name in NAMES if name != "NodeName"]


def weights_by_precedence(everywhere: Any, score: Any) -> dict[str, int]:
    """Plugin by plugin: score's word first, then multiPoint's, then the default's."""

    def given(where: Any, name: str) -> int | None:
        return next((plugin["weight"] for plugin in where["enabled"] if plugin["name"] == name), None)

    def off(where: Any, name: str) -> bool:
        return {"name": name} in where["disabled"] or {"name": "*"} in where["disabled"]

    found = {}
    for name in WEIGHTS:
        if (weight := given(score, name)) is not None:
            found[name] = weight or 1
        elif off(score, name):
            continue
        elif (weight := given(everywhere, name)) is not None:
            found[name] = weight or 1
        elif not off(everywhere, name):
            found[name] = WEIGHTS[name]
    return found


@given(plugin_sets, plugin_sets)
def test_the_nearer_word_decides_which_plugins_score_and_how_much(everywhere, score):
    score["enabled"] = [plugin for plugin in score["enabled"] if plugin["name"] in SCORING]
    needed = {"queueSort": enabled("PrioritySort"), "bind": enabled("DefaultBinder")}

    found = profile(multiPoint=everywhere, score=score, **needed)

    assert dict(found.weights) == weights_by_precedence(everywhere, score)


def test_arguments_of_node_resources_fit():
    shape = [{"utilization": 0, "score": 10}, {"utilization": 70, "score": 3}, {"utilization": 100}]
    args = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "NodeResourcesFitArgs",
        "ignoredResources": ["example.com/a"],
        "ignoredResourceGroups": ["other.com"],
        "scoringStrategy": {
            "type": "RequestedToCapacityRatio",
            "resources": [{"name": "cpu", "weight": 3}, {"name": "example.com/b"}],
            "requestedToCapacityRatio": {"shape": shape},
        },
    }

    assert profile(args={"NodeResourcesFit": args}).fit == Fit(
        strategy="RequestedToCapacityRatio",
        resources=(("cpu", 3), ("example.com/b", 1)),
        shape=((0, 10), (70, 3), (100, 0)),
        ignored_resources=("example.com/a",),
        ignored_groups=("other.com",),
    )
    assert profile(args={"NodeResourcesFit": {}}) == KUBERNETES


def test_arguments_of_the_other_plugins():
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    found = profile(
        args={
            "NodeResourcesBalancedAllocation": {"resources": [{"name": "cpu"}, {"name": "example.com/b", "weight": 1}]},
            "InterPodAffinity": {"hardPodAffinityWeight": 0, "ignorePreferredTermsOfExistingPods": True},
            "PodTopologySpread": {
                "defaultingType": "List",
                "defaultConstraints": [
                    {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "minDomains": 2}
                ],
            },
            "NodeAffinity": {
                "addedAffinity": {
                    REQUIRED: {"nodeSelectorTerms": [term]},
                    PREFERRED: [{"weight": 5, "preference": term}],
                }
            },
            "VolumeBinding": {"bindTimeoutSeconds": 0},
            "DefaultPreemption": {"minCandidateNodesPercentage": 0, "minCandidateNodesAbsolute": 7},
            "NodeName": {"anything": 1},
        }
    )

    ssd = NodeSelectorTerm(match_expressions=[{"key": "disk", "operator": "In", "values": ["ssd"]}])
    constraint = SpreadConstraint(topology_key="zone", max_skew=2, min_domains=2)
    assert found == Profile(
        balanced=(("cpu", 1), ("example.com/b", 1)),
        hard_affinity_weight=0,
        ignores_preferred_terms=True,
        system_spread=False,
        default_spread=(constraint.model_copy(update={"topology_key": "zone"}),),
        added_affinity=AddedAffinity(required=(ssd,), preferred=(PreferredNode(weight=5, term=ssd),)),
        least_candidates_percent=0,
        least_candidates=7,
    )


def test_a_list_of_no_constraints_is_no_default_spread():
    found = profile(args={"PodTopologySpread": {"defaultingType": "List"}})

    assert (found.system_spread, found.default_spread) == (False, ())


def test_fields_of_the_process_have_no_effect():
    found = read(
        parallelism=4,
        percentageOfNodesToScore=30,
        podInitialBackoffSeconds=2,
        podMaxBackoffSeconds=20,
        enableProfiling=True,
        leaderElection={"leaderElect": True, "leaseDuration": "15s"},
        clientConnection={"kubeconfig": "/etc/config", "qps": 50, "burst": 100},
        profiles=[{"percentageOfNodesToScore": 10}],
    )

    assert found == (KUBERNETES,)


@pytest.mark.parametrize(
    ("args", "problems"),
    [
        (
            {"scoringStrategy": {}},
            [
                (
                    'scoringStrategy.type: Unsupported value: "": supported values: "LeastAllocated", "MostAllocated", '
                    '"RequestedToCapacityRatio"'
                )
            ],
        ),
        (
            {"scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 101}]}},
            ["scoringStrategy.resources[0].weight: resource weight of cpu not in valid range (0, 100] (is 101)"],
        ),
        (
            {"scoringStrategy": {"type": "RequestedToCapacityRatio"}},
            [
                (
                    "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is "
                    "RequestedToCapacityRatio"
                )
            ],
        ),
        (
            {"scoringStrategy": {"type": "LeastAllocated", "requestedToCapacityRatio": {}}},
            [
                (
                    "scoringStrategy.requestedToCapacityRatio: Forbidden: must be nil when type is not "
                    "RequestedToCapacityRatio: drop it"
                )
            ],
        ),
        (
            {"ignoredResources": ["a b"], "ignoredResourceGroups": ["a/b"]},
            [
                (
                    "ignoredResources[0]: name part must consist of alphanumeric characters, '-', '_' or '.', and must "
                    "start and end with an alphanumeric character (is 'a b')"
                ),
                (
                    "ignoredResourceGroups[0]: resource group name can't contain '/' (is 'a/b': give what stands "
                    "before it)"
                ),
            ],
        ),
        ({"ignoreResources": []}, ["ignoreResources: no such field: check its spelling"]),
        ({"scoringStrategy": {"type": 5}}, ["scoringStrategy.type is 5: Input should be a valid string"]),
        (
            {"kind": "NodeAffinityArgs"},
            ["kind: has to match plugin args (is 'NodeAffinityArgs': give NodeResourcesFitArgs)"],
        ),
    ],
)
def test_wrong_arguments_of_node_resources_fit(args, problems):
    assert refused_args("NodeResourcesFit", **args) == problems


@pytest.mark.parametrize(
    ("shape", "problems"),
    [
        ([], ["shape: Required value: at least one point must be specified"]),
        (
            [(50, 1), (50, 2)],
            ["shape[1].utilization: values must be sorted in increasing order (is 50)"],
        ),
        ([(101, 0)], ["shape[0].utilization: not in valid range [0, 100] (is 101)"]),
        ([(0, 11)], ["shape[0].score: not in valid range [0, 10] (is 11)"]),
    ],
)
def test_a_wrong_shape(shape, problems):
    points = [{"utilization": utilization, "score": score} for utilization, score in shape]
    ratio = {"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": {"shape": points}}
    found = refused_args("NodeResourcesFit", scoringStrategy=ratio)

    assert [problem.removeprefix("scoringStrategy.requestedToCapacityRatio.") for problem in found] == problems


CONSTRAINT = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}


@pytest.mark.parametrize(
    ("plugin", "args", "problem"),
    [
        (
            "InterPodAffinity",
            {"hardPodAffinityWeight": 101},
            "hardPodAffinityWeight: not in valid range [0, 100] (is 101)",
        ),
        ("NodeResourcesBalancedAllocation", {"resources": [{"name": "cpu", "weight": 2}]}, "weight: must be 1 (is 2)"),
        (
            "NodeResourcesBalancedAllocation",
            {"resources": [{"name": "cpu"}, {"name": "cpu"}]},
            'resources[1].name: Duplicate value: "cpu"',
        ),
        (
            "PodTopologySpread",
            {"defaultConstraints": [CONSTRAINT]},
            "defaultingType: when .defaultConstraints are not empty (is 'System': give List",
        ),
        ("PodTopologySpread", {"defaultingType": "No"}, 'Unsupported value: "No": supported values: "System", "List"'),
        (
            "PodTopologySpread",
            {"defaultingType": "List", "defaultConstraints": [{**CONSTRAINT, "maxSkew": 0}]},
            "defaultConstraints[0].maxSkew: not in valid range (0, inf) (is 0: give 1 or more)",
        ),
        (
            "PodTopologySpread",
            {"defaultingType": "List", "defaultConstraints": [{**CONSTRAINT, "labelSelector": {}}]},
            "defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector",
        ),
        (
            "PodTopologySpread",
            {"defaultingType": "List", "defaultConstraints": [CONSTRAINT, CONSTRAINT]},
            'defaultConstraints[1]: Duplicate value: "{zone, ScheduleAnyway}"',
        ),
        (
            "PodTopologySpread",
            {"defaultingType": "List", "defaultConstraints": [{**CONSTRAINT, "topologyKey": ""}]},
            "defaultConstraints[0].topologyKey: Required value: can not be empty",
        ),
        (
            "NodeAffinity",
            {"addedAffinity": {REQUIRED: {}}},
            f"addedAffinity.{REQUIRED}.nodeSelectorTerms: Required value: must have at least one node selector term",
        ),
        (
            "NodeAffinity",
            {"addedAffinity": {PREFERRED: [{"weight": 0}]}},
            f"addedAffinity.{PREFERRED}[0].weight: must be in the range 1-100 (is 0)",
        ),
        ("VolumeBinding", {"bindTimeoutSeconds": -1}, "bindTimeoutSeconds: should not be a negative value (is -1)"),
        ("VolumeBinding", {"shape": []}, "shape: Forbidden: goes with the feature gate StorageCapacityScoring"),
        (
            "DefaultPreemption",
            {"minCandidateNodesPercentage": 101},
            "minCandidateNodesPercentage: not in valid range [0, 100] (is 101)",
        ),
        (
            "DefaultPreemption",
            {"minCandidateNodesAbsolute": -1},
            "minCandidateNodesAbsolute: not in valid range [0, inf) (is -1)",
        ),
        (
            "DefaultPreemption",
            {"minCandidateNodesPercentage": 0, "minCandidateNodesAbsolute": 0},
            "cannot be zero at the same time as minCandidateNodesAbsolute",
        ),
    ],
)
def test_wrong_arguments_of_other_plugins(plugin, args, problem):
    (found,) = refused_args(plugin, **args)
    assert problem in found


@pytest.mark.parametrize(
    ("point", "given", "problem"),
    [
        (
            "score",
            enabled("NodeName"),
            "enabled[0].name: plugin does not extend score (is 'NodeName': it runs at filter)",
        ),
        (
            "filter",
            enabled("NodeNam"),
            "enabled[0].name: no such plugin (is 'NodeNam': did you mean NodeName? placer knows",
        ),
        ("multiPoint", enabled("Coscheduling"), "(is 'Coscheduling': placer knows SchedulingGates, PrioritySort, Node"),
        (
            "filter",
            enabled(disabled=("NodeNam",)),
            "disabled[0].name: no such plugin (is 'NodeNam': did you mean NodeName?",
        ),
        (
            "filter",
            enabled("EBSLimits"),
            "this plugin is no longer there (is 'EBSLimits': NodeVolumeLimits does its work",
        ),
        ("filter", enabled("NodeName", "NodeName"), 'enabled[1].name: Duplicate value: "NodeName"'),
        (
            "score",
            {"enabled": [{"name": "NodeAffinity", "weight": 2**31}]},
            "weight is 2147483648: Input should be less",
        ),
        ("score", {"enabled": [{"weight": 1}]}, "enabled[0].name is missing"),
        ("bind", enabled(disabled=("*",)), "Required value: at least one bind plugin is needed: enable DefaultBinder"),
        ("queueSort", enabled(disabled=("*",)), "Required value: one queue sort plugin is needed: enable PrioritySort"),
    ],
)
def test_wrong_plugins(point, given, problem):
    (found,) = refused_plugins(**{point: given})
    assert found.startswith(point)
    assert problem in found


def test_names_of_profiles_are_given_once():
    assert refused(profiles=[{"schedulerName": "a"}, {"schedulerName": "a"}, {}]) == [
        'profiles[1].schedulerName: Duplicate value: "a": profiles[0] has it: each profile needs its own',
        "profiles[2].schedulerName: Required value: each of several profiles needs its own",
    ]


def test_all_profiles_sort_the_queue_alike():
    other = {"schedulerName": "b", "plugins": {"queueSort": enabled("PrioritySort")}}
    assert refused(profiles=[{"schedulerName": "a"}, other]) == [
        "profiles[1].plugins.queueSort: Forbidden: must be the same for all profiles"
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"extenders": [{"urlPrefix": "http://x"}]}, "extenders: Forbidden: placer calls no extenders"),
        ({"parallelism": 0}, "parallelism: should be an integer value greater than zero (is 0)"),
        ({"percentageOfNodesToScore": 101}, "percentageOfNodesToScore: not in valid range [0-100] (is 101)"),
        ({"podInitialBackoffSeconds": 0}, "podInitialBackoffSeconds: must be greater than 0 (is 0)"),
        (
            {"podMaxBackoffSeconds": 0},
            "podMaxBackoffSeconds: must be greater than or equal to PodInitialBackoffSeconds",
        ),
        ({"profile": []}, "profile: no such field: check its spelling"),
        ({"leaderElection": {"leaderElected": True}}, "leaderElection.leaderElected is True: no such field"),
        ({"profiles": {}}, "profiles: Input should be a valid list"),
        ({"apiVersion": "kubescheduler.config.k8s.io/v1beta3"}, "apiVersion: Unsupported value"),
        ({"kind": "Pod"}, 'kind: Unsupported value: "Pod": supported values: "KubeSchedulerConfiguration"'),
        (
            {"profiles": [{"pluginConfig": [{"name": "Mine"}, {"name": "NodeName"}]}]},
            "profiles[0].pluginConfig[0].name: no such plugin (is 'Mine': placer knows",
        ),
        (
            {"profiles": [{"pluginConfig": [{"name": "NodeName"}, {"name": "NodeName"}]}]},
            'profiles[0].pluginConfig[1]: Duplicate value: "NodeName"',
        ),
    ],
)
def test_what_kube_scheduler_refuses_is_refused(fields, problem):
    (found,) = refused(**fields)
    assert found.startswith(problem)


@pytest.mark.parametrize("text", ["{", "[1]\n", "a: 1\n---\nb: 2\n", "\n", "{}"])
def test_a_text_that_is_no_configuration(text):
    with pytest.raises(pl.InputError, match="configuration: "):
        read_configuration(text)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(pl.InputError, match="no such file"):
        read_configuration(tmp_path / "none.yaml")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.text(max_size=4)
        | st.sampled_from(["NodeName", "*"]),
        lambda parts: (
            st.lists(parts, max_size=2)
            | st.dictionaries(
                st.sampled_from(["name", "args", "plugins", "enabled", "filter", "shape", "weight"]), parts, max_size=2
            )
        ),
        max_leaves=6,
    ),
    st.sampled_from(["profiles", "extenders", "leaderElection", "parallelism", "kind"]),
)
def test_whatever_is_given_is_a_configuration_or_an_input_error(value, field):
    for fields in ({field: value}, {"profiles": [value]}, {"profiles": [{"plugins": value}]}):
        try:
            read(**fields)
        except pl.InputError as error:
            assert error.problems
