"""What all tests share: one hypothesis profile, so that runs are equal and a first, compiling call may take long."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("placer", deadline=None, derandomize=True, print_blob=False)
settings.load_profile("placer")
