"""
A slow, obvious reading of Kubernetes v1.36's default scheduler, written from its rules: what the engine must equal.

It works on API objects as they are; small clusters only. Defaults of the API server stand in the objects already.
"""

from .draw import FAMILIES, draw_case
from .schedule import decide_all

__all__ = ["FAMILIES", "decide_all", "draw_case"]
