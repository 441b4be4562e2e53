"""
A slow, obvious reading of Kubernetes v1.36's default scheduler, written from its rules: what the engine must equal.

It works on API objects as they are, and fills in the API server's defaults; small clusters only. Label keys of terms
and constraints are merged into their selectors already.
"""

from .draw import FAMILIES, draw_case
from .schedule import decide_all

__all__ = ["FAMILIES", "decide_all", "draw_case"]
