"""A mixed-integer linear programme in named variables, and how it is solved.

HiGHS through scipy: one thread, a limit on nodes and none on time, no gap allowed. Amounts come
scaled, so that tolerances are small fractions of a cent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recommender.errors import CorridorError

INF = float("inf")
Name = Hashable
Terms = Mapping[Name, float]


class NoSolver(CorridorError):
    """Plans need scipy, which is not installed."""

    code = "no_solver"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep lines that the solver now and then prints by itself out of the standard output.

    For a command, whose answer goes there: it closes the stream for the whole process meanwhile.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        with contextlib.suppress(AttributeError, OSError, TypeError):
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


@dataclass
class Programme:
    """Variables with bounds, rows `low <= terms <= high`; whole: those that are 0 or 1."""

    names: list[Name] = field(default_factory=list)
    index: dict[Name, int] = field(default_factory=dict)
    bounds: list[tuple[float, float]] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def amount(self, name: Name, high: float = INF) -> Name:
        """A variable of at least zero."""
        return self._variable(name, high, whole=False)

    def yes_no(self, name: Name) -> Name:
        """A variable that is 0 or 1."""
        return self._variable(name, 1.0, whole=True)

    def _variable(self, name: Name, high: float, *, whole: bool) -> Name:
        self.index[name] = len(self.names)
        self.names.append(name)
        self.bounds.append((0.0, high))
        self.whole.append(whole)
        return name

    def row(
        self, terms: Iterable[tuple[Name, float]], low: float = -INF, high: float = 0.0
    ) -> None:
        """A row; by default the terms sum to at most zero."""
        found: dict[int, float] = {}
        for name, factor in terms:
            at = self.index[name]
            found[at] = found.get(at, 0.0) + factor
        self.rows.append((found, low, high))

    def equal(self, terms: Iterable[tuple[Name, float]], value: float = 0.0) -> None:
        """A row whose terms sum to a value."""
        self.row(terms, value, value)


@dataclass(frozen=True)
class Solved:
    """Values by name. objective: its value; bound: proven; nodes: of the search.

    proven: nothing better exists; None as `values` of a programme without a solution.
    """

    values: Mapping[Name, float] | None
    objective: float
    bound: float
    nodes: int
    proven: bool


def solve(
    programme: Programme,
    objective: Terms,
    nodes: int,
    fixed: Mapping[Name, float] | None = None,
) -> Solved:
    """The least value of the objective. fixed: variables held at values, without a search."""
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError as error:
        raise NoSolver from error

    cost = np.zeros(len(programme.names))
    for name, factor in objective.items():
        cost[programme.index[name]] = factor
    low = np.array([bound[0] for bound in programme.bounds])
    high = np.array([bound[1] for bound in programme.bounds])
    whole = np.array(programme.whole, dtype=float)
    for name, value in (fixed or {}).items():
        low[programme.index[name]] = high[programme.index[name]] = value
    if fixed:
        whole[:] = 0
    matrix, least, most = _matrix(programme)
    rows = LinearConstraint(matrix, least, most)
    for presolve in (True, False):  # presolve now and then takes a tight programme for impossible
        options = {"node_limit": nodes, "mip_rel_gap": 0.0, "presolve": presolve}
        found: Any = milp(
            cost, integrality=whole, bounds=Bounds(low, high), constraints=rows, options=options
        )
        if found.x is not None:
            break
    if found.x is None:
        return Solved(None, INF, INF, 0, proven=found.status == 2)
    values = dict(zip(programme.names, found.x.tolist(), strict=True))
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else found.fun
    count = int(found.mip_node_count or 0)
    return Solved(values, float(found.fun), float(bound), count, proven=found.status == 0)


def _matrix(programme: Programme) -> tuple[Any, np.ndarray, np.ndarray]:
    from scipy.sparse import csr_array

    data: list[float] = []
    columns: list[int] = []
    starts = [0]
    for terms, _, _ in programme.rows:
        data += terms.values()
        columns += terms.keys()
        starts.append(len(data))
    shape = (len(programme.rows), len(programme.names))
    matrix = csr_array((np.array(data), np.array(columns, dtype=np.int64), starts), shape=shape)
    least = np.array([low for _, low, _ in programme.rows])
    return matrix, least, np.array([high for _, _, high in programme.rows])
