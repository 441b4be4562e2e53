"""Counts per (counter, domain): a sparse table, so that hostnames cost no more than zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Counters, Nodes, State


@njit
def find_entry(state: State, counter: int, domain: int) -> int:
    """The entry of a counter in a domain, or -1. O(1)."""
    mask = state.slot_key.shape[0] - 1
    key = (counter << 32) | domain
    slot = (key * 0x9E3779B97F4A7C1 >> 17) & mask
    while state.slot_key[slot] != -1:
        if state.slot_key[slot] == key:
            entry: int = state.slot_entry[slot]
            return entry
        slot = (slot + 1) & mask
    return -1


@njit
def add_entry(state: State, counter: int, domain: int) -> int:
    """A new entry of a counter in a domain; the caller knows that there is none and that one is free."""
    mask = state.slot_key.shape[0] - 1
    key = (counter << 32) | domain
    slot = (key * 0x9E3779B97F4A7C1 >> 17) & mask
    while state.slot_key[slot] != -1:
        slot = (slot + 1) & mask
    entry: int = state.entries[1]
    if entry >= 0:
        state.entries[1] = state.entry_next[entry]
    else:
        entry = state.entries[0]
        state.entries[0] = entry + 1
    state.slot_key[slot] = key
    state.slot_entry[slot] = entry
    state.entry_domain[entry] = domain
    state.entry_count[entry] = 0
    state.entry_next[entry] = state.head[counter]
    state.head[counter] = entry
    return entry


@njit
def drop_entry(state: State, counter: int, domain: int, entry: int) -> None:
    """
    Frees an entry that counts nobody, so that pods that move never need more entries than there are pods.

    O(entries of the counter). What follows it in the table closes the gap.
    """
    before = state.head[counter]
    if before == entry:
        state.head[counter] = state.entry_next[entry]
    else:
        while state.entry_next[before] != entry:
            before = state.entry_next[before]
        state.entry_next[before] = state.entry_next[entry]
    state.entry_next[entry] = state.entries[1]
    state.entries[1] = entry
    mask = state.slot_key.shape[0] - 1
    key = (counter << 32) | domain
    gap = (key * 0x9E3779B97F4A7C1 >> 17) & mask
    while state.slot_key[gap] != key:
        gap = (gap + 1) & mask
    slot = (gap + 1) & mask
    while state.slot_key[slot] != -1:
        home = (state.slot_key[slot] * 0x9E3779B97F4A7C1 >> 17) & mask
        if ((slot - home) & mask) >= ((slot - gap) & mask):
            state.slot_key[gap], state.slot_entry[gap] = state.slot_key[slot], state.slot_entry[slot]
            gap = slot
        slot = (slot + 1) & mask
    state.slot_key[gap] = -1


@njit
def count_at(nodes: Nodes, counters: Counters, state: State, counter: int, node: int) -> int:
    """How many of the counter's group stand in the node's domain; 0 where the node has none."""
    domain = nodes.domain[counters.key[counter], node]
    if domain < 0:
        return 0
    entry = find_entry(state, counter, domain)
    return state.entry_count[entry] if entry >= 0 else 0


@njit
def count_pod(nodes: Nodes, counters: Counters, state: State, counter: int, node: int, change: int) -> None:
    """Adds ``change`` pods to the counter in the node's domain, where the node counts at all."""
    domain = nodes.domain[counters.key[counter], node]
    chosen = counters.eligible[counter]
    if domain < 0 or (chosen >= 0 and not counters.eligible_segment[chosen, nodes.segment[node]]):
        return
    entry = find_entry(state, counter, domain)
    if entry < 0:
        entry = add_entry(state, counter, domain)
    before = state.entry_count[entry]
    after = before + change
    state.entry_count[entry] = after
    state.total[counter] += change
    state.nonzero[counter] += (1 if after > 0 else 0) - (1 if before > 0 else 0)
    if after == 0:
        drop_entry(state, counter, domain, entry)


@njit
def least_count(counters: Counters, state: State, counter: int, fewest_domains: int) -> int:
    """
    The least count over the counter's eligible domains; 0 with fewer of them than ``fewest_domains``.

    O(1) while some domain is empty, else O(domains).
    """
    domains = counters.domains[counter]
    if domains < fewest_domains or state.nonzero[counter] < domains:
        return 0
    least: int = state.total[counter]
    entry = state.head[counter]
    while entry >= 0:
        least = min(least, state.entry_count[entry])
        entry = state.entry_next[entry]
    return least
