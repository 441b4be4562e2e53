"""Goals: what better means, as functions from a cluster to terms; tiers of them, most important first."""

from placer.goals.goal import Goal, Part, Tier, goal
from placer.goals.registry import goals_known
from placer.goals.written import parse_goals, parse_part

__all__ = ["Goal", "Part", "Tier", "goal", "goals_known", "parse_goals", "parse_part"]
