"""
A slow, obvious reading of ``docs/semantics.md``: what engines must equal, written from the page and from nothing else.

Everything is worked out anew from what stands; small clusters only.
"""

from .devices import Given, choices, given
from .goals import balance, fragmentation, headroom, node_fragmentation, pack, preferences, typical_pods, unplaced
from .place import broken_bindings, brute_force_best, place_one_by_one
from .rules import fits, rejects
from .state import State

__all__ = [
    "Given",
    "State",
    "balance",
    "broken_bindings",
    "brute_force_best",
    "choices",
    "fits",
    "fragmentation",
    "given",
    "headroom",
    "node_fragmentation",
    "pack",
    "place_one_by_one",
    "preferences",
    "rejects",
    "typical_pods",
    "unplaced",
]
