"""``placer goals``."""

from __future__ import annotations

import inspect
from typing import Any

from placer.cli.options import Common, command


@command
def goals(common: Common) -> None:
    """List the goals with their options and formulas, those of other packages too."""
    from placer.cli.screen import emit_json, grid, show
    from placer.goals import goals_known

    found = goals_known().values()
    if common.json:
        emit_json([{"name": goal.name, "options": _options(goal.options()), "formula": goal.formula} for goal in found])
    table = grid("goal", "options", "minimised")
    for goal in found:
        options = (f"{name}={value}" if value is not None else name for name, value in _options(goal.options()).items())
        table.add_row(goal.name, ", ".join(options), goal.formula)
    show(common, lambda: [table])


def _options(defaults: dict[str, Any]) -> dict[str, str | None]:
    """Options and their defaults as they are written; every goal can be narrowed by nodes and pods."""
    narrowing = {name: None for name in ("nodes", "pods") if name not in defaults}
    return {**{name: _written(value) for name, value in defaults.items()}, **narrowing}


def _written(default: Any) -> str | None:
    if default is None or default is inspect.Parameter.empty:
        return None
    return "|".join(default) if isinstance(default, (list, tuple)) else str(default)
