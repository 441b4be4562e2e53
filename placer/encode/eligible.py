"""Where static rules let classes stand, out of the ranges of segments that the arrays hold."""

from __future__ import annotations

import numpy as np

from placer.encode.problem import BOOL, I32, Classes, Problem


def segments_of(classes: Classes, signature: int) -> I32:
    """The segments that a static signature may stand on, ascending."""
    return classes.eligible_segments[classes.eligible_start[signature] : classes.eligible_start[signature + 1]]


def allowed_nodes(problem: Problem, signature: int) -> BOOL:
    """(nodes,) what static rules allow a signature."""
    allowed = np.zeros(len(problem.nodes.segment_start) - 1, bool)
    allowed[segments_of(problem.classes, signature)] = True
    return allowed[problem.nodes.segment]


def allowed_by_class(problem: Problem) -> BOOL:
    """(classes, nodes) what static rules allow; memory is their product."""
    classes = problem.classes
    by_signature = [allowed_nodes(problem, signature) for signature in range(len(classes.eligible_start) - 1)]
    return np.array(by_signature, bool).reshape(-1, len(problem.nodes.row))[classes.eligible]
