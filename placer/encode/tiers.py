"""A cluster with the goals that it is placed by, as arrays."""

from __future__ import annotations

from collections.abc import Sequence

from placer.encode.costs import told_apart, weigh, with_costs
from placer.encode.encode import Encoded, encode
from placer.encode.goals import encode_goals
from placer.encode.problem import Goals
from placer.engine import pods_per_class
from placer.goals import Tier
from placer.goals.quantities import domains
from placer.model.cluster import Cluster
from placer.model.term import NODE, Load, Pairs, Term, Wishes

FEW = 64
"""Domains up to which nodes of one segment share the key's domain, so that terms over it cost least."""


def encode_tiers(cluster: Cluster, tiers: Sequence[Tier]) -> tuple[Encoded, Goals]:
    """The problem with the costs of all terms, and what the kernels weigh."""
    weighed = weigh(cluster, tiers)
    terms = [each.term for each in weighed]
    wishes = any(isinstance(term, Wishes) for term in terms)
    encoded = encode(
        cluster, preferences=wishes, told_apart=told_apart(cluster, terms), keys=few_domains(cluster, terms)
    )
    encoded = with_costs(cluster, encoded, weighed)
    known = [[(part.name, part.weight) for part in tier.parts if part.goal.column >= 0] for tier in tiers]
    return encoded, encode_goals(encoded, known, pods_per_class(encoded))


def few_domains(cluster: Cluster, terms: Sequence[Term]) -> set[str]:
    """The topology keys of terms that have few domains."""
    keys = {term.key for term in terms if isinstance(term, Load | Pairs)} - {NODE}
    return {key for key in keys if int(domains(cluster, key).max(initial=-1)) < FEW}
