"""Who decides: goals or profiles, and whose pods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.errors import UsageError
from placer.model.cluster import Cluster
from placer.model.profile import KUBERNETES, Profile
from placer.solution import decided

NAMED = {"kubernetes": KUBERNETES}
"""Profiles that have a name of their own."""


class Choice(NamedTuple):
    """
    What decides the pending pods.

    Attributes
    ----------
    profiles
        In order; none means goals.
    schedulers
        The pods' ``scheduler_name`` that are decided; the others are left alone. ``None`` is all of them, which one
        profile then decides.
    """

    profiles: tuple[Profile, ...] = ()
    schedulers: tuple[str, ...] | None = None

    def decided(self, cluster: Cluster) -> NDArray[np.bool_]:
        """(pods,) pending and to be decided."""
        return decided(cluster, self.schedulers)

    def shares(self, cluster: Cluster) -> list[tuple[Profile, NDArray[np.int64]]]:
        """Each profile with the rows of the pending pods that it decides, in input order."""
        if len(self.profiles) == 1:
            return [(self.profiles[0], np.flatnonzero(self.decided(cluster)))]
        return [(profile, np.flatnonzero(decided(cluster, (profile.scheduler_name,)))) for profile in self.profiles]


def choose(profile: str | Profile | Sequence[Profile] | None, scheduler_name: str | None = None) -> Choice:
    """
    What a caller's arguments mean.

    Parameters
    ----------
    profile
        ``"kubernetes"`` or a profile decides all pending pods; several, as a configuration gives them, each decide the
        pods that name them; ``None`` is goals.
    scheduler_name
        Only pods that name it are decided, by the profile of that name where there are several.

    Raises
    ------
    UsageError
        No such profile, no profile at all in the sequence, or two of one name.
    """
    if isinstance(profile, str):
        if profile not in NAMED:
            known = " or ".join(map(repr, NAMED))
            raise UsageError(f"profile is {profile!r}: there is no such profile; give {known}, or leave it out")
        profile = NAMED[profile]
    if profile is None or isinstance(profile, Profile):
        return Choice(() if profile is None else (profile,), None if scheduler_name is None else (scheduler_name,))
    profiles = tuple(profile)
    names = [each.scheduler_name for each in profiles]
    if not profiles:
        raise UsageError("profile is an empty sequence: give one profile or more, or None to place by goals")
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"profile has {name!r} twice, a duplicate: each scheduler_name may stand once")
    if scheduler_name is None:
        return Choice(profiles, tuple(names))
    if scheduler_name not in names:
        known = ", ".join(map(repr, names))
        raise UsageError(f"scheduler_name is {scheduler_name!r}: no profile has that name; give one of {known}")
    return Choice((profiles[names.index(scheduler_name)],), (scheduler_name,))
