"""
kube-scheduler's configuration file as profiles: Kubernetes, "Scheduler Configuration".

Fields of the process have no effect: parallelism, leader election, client connection, back-off, and the percentage of
nodes to score, since placer looks at all of them. Of the extension points, ``filter``, ``score``, ``preEnqueue`` (for
SchedulingGates) and ``postFilter`` (for DefaultPreemption) decide; the others are checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from placer.errors import InputError
from placer.model.profile import FILTERS, WEIGHTS, Profile
from placer.model.value import FrozenDict
from placer.orchestrators.kubernetes import plugin_args, plugins
from placer.orchestrators.kubernetes.configuration_objects import (
    API_VERSION,
    ARGUMENTS,
    Arguments,
    Configuration,
    ProfileObject,
)
from placer.orchestrators.kubernetes.errors import UNREADABLE, Problems, decoding_problem, model_problems
from placer.orchestrators.kubernetes.faults import duplicate, forbidden, invalid, required, unsupported

KIND = "KubeSchedulerConfiguration"
DEFAULT_SCHEDULER: str = Profile.model_fields["scheduler_name"].default
Read = list[tuple[ProfileObject, dict[str, Arguments]]]


def read_configuration(source: str | Path) -> tuple[Profile, ...]:
    """
    The profiles of a ``KubeSchedulerConfiguration``.

    Parameters
    ----------
    source
        A file (a ``Path``, or a text of one line that is no JSON), compressed or not, or the configuration itself, in
        YAML or JSON.

    Returns
    -------
    One profile per entry of ``profiles``; the default one where there is none.

    Raises
    ------
    InputError
        All that kube-scheduler would refuse, unknown fields and plugins included, each with its path; and extenders,
        which placer does not call.

    Examples
    --------
    >>> text = '''
    ... apiVersion: kubescheduler.config.k8s.io/v1
    ... kind: KubeSchedulerConfiguration
    ... profiles:
    ... - schedulerName: packing
    ...   pluginConfig:
    ...   - name: NodeResourcesFit
    ...     args: {scoringStrategy: {type: MostAllocated}}
    ... '''
    >>> [(profile.scheduler_name, profile.fit.strategy) for profile in read_configuration(text)]
    [('packing', 'MostAllocated')]
    """
    where, document = _document(source)
    problems = Problems()
    given = _decode(where, document, problems)
    problems.raise_if_any()
    read: Read = []
    for place, profile in enumerate(given.profiles or [ProfileObject()]):
        read.append((profile, dict(_arguments(where, profile, f"profiles[{place}].pluginConfig", problems))))
    for text in _faults(given, read):
        problems.add(where, text)
    problems.raise_if_any()
    return tuple(_profile(profile, arguments) for profile, arguments in read)


def _document(source: str | Path) -> tuple[str, Any]:
    """How errors name it, and its value in JSON types, without what is null."""
    from placer.formats.files import describe, read_bytes
    from placer.formats.yaml import load_documents

    if isinstance(source, Path) or not ("\n" in source or source.lstrip().startswith("{")):
        where, data = describe(Path(source)), read_bytes(Path(source))
    else:
        where, data = "configuration", source.encode("utf-8", "surrogatepass")
    if data.lstrip()[:1] == b"{":
        try:
            documents = [msgspec.json.decode(data)]
        except UNREADABLE as error:
            raise InputError(f"{where}: {decoding_problem(error, data)}") from None
    else:
        documents = [value for _, value in load_documents(data, where)]
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise InputError(f"{where}: holds {len(documents)} documents: give one {KIND}, a map")
    return where, _without_nulls(documents[0])


def _decode(where: str, document: Any, problems: Problems) -> Configuration:
    if document.get("kind") != KIND:
        problems.add(where, unsupported("kind", document.get("kind", ""), [KIND]))
    if document.get("apiVersion") != API_VERSION:
        problems.add(where, unsupported("apiVersion", document.get("apiVersion", ""), [API_VERSION]))
    problems.raise_if_any()
    try:
        return Configuration.model_validate(document)
    except ValidationError as error:
        for text in model_problems(error, "", own_names=True):
            problems.add(where, text.lstrip("."))
        return Configuration.model_construct()


def _arguments(where: str, profile: ProfileObject, path: str, problems: Problems) -> Iterator[tuple[str, Arguments]]:
    """Arguments by plugin; those of plugins that take none have no effect, as in kube-scheduler."""
    for place, config in enumerate(profile.plugin_config):
        at, kind = f"{path}[{place}].args", f"{config.name}Args"
        model = ARGUMENTS.get(config.name)
        if model is None:
            continue
        if config.args.get("kind", kind) != kind:
            problems.add(where, invalid(f"{at}.kind", config.args["kind"], "has to match plugin args", f"give {kind}"))
        try:
            yield config.name, model.model_validate(config.args)
        except ValidationError as error:
            for text in model_problems(error, at, own_names=True):
                problems.add(where, text)


def _faults(given: Configuration, read: Read) -> Iterator[str]:
    yield from _process_faults(given)
    seen: dict[str, int] = {}
    for place, (profile, arguments) in enumerate(read):
        path = f"profiles[{place}]"
        name = profile.scheduler_name
        if not name and (name is not None or len(read) > 1):
            yield required(f"{path}.schedulerName", "each of several profiles needs its own")
        elif name in seen:
            yield duplicate(f"{path}.schedulerName", name, f"profiles[{seen[name]}] has it: each profile needs its own")
        seen[name or ""] = place
        yield from _percentage_faults(profile.percentage_of_nodes_to_score, f"{path}.percentageOfNodesToScore")
        wrong = list(plugins.plugin_faults(profile.plugins, f"{path}.plugins"))
        yield from wrong or _running_faults(profile, f"{path}.plugins")
        if profile.plugins.queue_sort != read[0][0].plugins.queue_sort:
            yield forbidden(f"{path}.plugins.queueSort", "must be the same for all profiles")
        yield from _config_faults(profile, arguments, f"{path}.pluginConfig")


def _process_faults(given: Configuration) -> Iterator[str]:
    if given.extenders:
        yield forbidden("extenders", "placer calls no extenders: drop them; what they decide is not decided here")
    if given.parallelism <= 0:
        yield invalid("parallelism", given.parallelism, "should be an integer value greater than zero")
    yield from _percentage_faults(given.percentage_of_nodes_to_score, "percentageOfNodesToScore")
    least, most = given.pod_initial_backoff_seconds, given.pod_max_backoff_seconds
    if least <= 0:
        yield invalid("podInitialBackoffSeconds", least, "must be greater than 0")
    if most < least:
        yield invalid("podMaxBackoffSeconds", most, "must be greater than or equal to PodInitialBackoffSeconds")


def _percentage_faults(value: int | None, path: str) -> Iterator[str]:
    if value is not None and not 0 <= value <= 100:
        yield invalid(path, value, "not in valid range [0-100]")


def _running_faults(profile: ProfileObject, path: str) -> Iterator[str]:
    """What a profile cannot do without."""
    merged = plugins.merged(profile.plugins)
    if len(plugins.run_at(merged, "queueSort")) != 1:
        yield required(f"{path}.queueSort", "one queue sort plugin is needed: enable PrioritySort")
    if not plugins.run_at(merged, "bind"):
        yield required(f"{path}.bind", "at least one bind plugin is needed: enable DefaultBinder")


def _config_faults(profile: ProfileObject, arguments: dict[str, Arguments], path: str) -> Iterator[str]:
    seen = set()
    for place, config in enumerate(profile.plugin_config):
        at = f"{path}[{place}]"
        if fault := plugins.name_fault(config.name, f"{at}.name"):
            yield fault
        if config.name in seen:
            yield duplicate(at, config.name)
        elif config.name in arguments:
            yield from plugin_args.faults(arguments[config.name], f"{at}.args")
        seen.add(config.name)


def _profile(given: ProfileObject, arguments: dict[str, Arguments]) -> Profile:
    merged = plugins.merged(given.plugins)
    fields: dict[str, Any] = {}
    for one in arguments.values():
        fields |= plugin_args.fields(one)
    return Profile(
        scheduler_name=given.scheduler_name or DEFAULT_SCHEDULER,
        filters=_known(plugins.run_at(merged, "filter"), FILTERS),
        weights=FrozenDict({name: weight for name, weight in plugins.weights(merged).items() if name in WEIGHTS}),
        gates="SchedulingGates" in plugins.run_at(merged, "preEnqueue"),
        preempts="DefaultPreemption" in plugins.run_at(merged, "postFilter"),
        **fields,
    )


def _known(names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Of plugins, those that decide anything here; DynamicResources and the like do not."""
    return tuple(name for name in names if name in known)


def _without_nulls(value: Any) -> Any:
    """Null is what is not given, as Go reads it."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value
