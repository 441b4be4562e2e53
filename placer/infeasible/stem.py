"""The name that pods of one owner share."""

from __future__ import annotations

import re

NUMBER = re.compile(r"-\d+$")


def stem(name: str, owner: str = "") -> str:
    """The owner's name where there is one (``Deployment/web``), else the pod's without its number."""
    return owner.rpartition("/")[2] or NUMBER.sub("", name)
