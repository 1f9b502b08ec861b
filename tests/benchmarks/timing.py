"""Measuring side by side: ratios of medians from one interleaved run, absolutes beside them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter, process_time
from typing import Any

Line = dict[str, Any]
Work = Callable[[], object]
DIGITS = 3


def interleaved(
    works: Mapping[str, Work],
    rounds: int,
    calls: int = 1,
    processor: dict[str, float] | None = None,
) -> dict[str, float]:
    """Median seconds of one call of each work; in every round each has its turn.

    Whatever disturbs the machine for a while disturbs all of them. Every work runs once before,
    unmeasured, and the garbage collector waits. processor: takes the median seconds of processor
    of this process, which other work on the machine disturbs less.
    """
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    spent: dict[str, list[float]] = {name: [] for name in works}
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, work in works.items():
                start, before = perf_counter(), process_time()
                for _ in range(calls):
                    work()
                seconds[name].append((perf_counter() - start) / calls)
                spent[name].append((process_time() - before) / calls)
            gc.collect()
    finally:
        if enabled:
            gc.enable()
    if processor is not None:
        processor |= {name: median(times) for name, times in spent.items()}
    return {name: median(times) for name, times in seconds.items()}


def lines(case: str, seconds: Mapping[str, float], against: str, **more: Any) -> Iterator[Line]:
    """One line for each measured work but the one it is measured against."""
    for name, took in seconds.items():
        if name != against:
            yield {
                "case": case,
                "what": name,
                "ratio": significant(took / seconds[against]),
                "against": against,
                "ms": significant(took * 1e3),
                "against_ms": significant(seconds[against] * 1e3),
                **more,
            }


def significant(value: float) -> float:
    """Three significant digits: what such a measurement can tell."""
    return float(f"{value:.{DIGITS}g}")
