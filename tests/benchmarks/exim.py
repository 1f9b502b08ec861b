"""The ranker on real decisions: authorizations of the US EXIM Bank.

python tests/benchmarks/exim.py --data FOLDER --train-to 2016 --test-from 2017 --test-to 2018
prints one JSON line for each result on standard output and the tables on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PROFILE, AMOUNT = "profile only", "profile + amount"
STRONGEST = ("popularity", "logistic regression", "LightGBM multiclass")
TASKS = ("A", "N", "D")


def lines(
    folder: Path, until: int, test: tuple[int, int], tasks: Sequence[str] = TASKS
) -> Iterator[dict[str, Any]]:
    """All results of the latest file pair; raises UnusableData."""
    from tests.benchmarks.exim_data import UnusableData, read, without_indicators
    from tests.benchmarks.exim_ranker import VALIDATED
    from tests.benchmarks.exim_tasks import Split

    decisions = read(folder)
    events = decisions.events(test[1])
    years = {name: events["year"].between(*span) for name, span in _spans(until, test, VALIDATED)}
    for name, rows in years.items():
        if not rows.any():
            raise UnusableData(f"the data hold no first events of known companies {name}")
    strict = without_indicators(events, until)
    for amount, task in ((False, PROFILE), (True, AMOUNT)):
        split = Split(decisions, strict, until, test, amount)
        if "A" in tasks:
            yield from _task_a(split, task, "without")
            yield from _task_a(Split(decisions, events, until, test, amount), task, "with")
        if "N" in tasks:
            yield from _task_n(split, task)
    if "D" in tasks:
        yield from _task_d(decisions, until, test)


def _spans(until: int, test: tuple[int, int], validated: int) -> list[tuple[str, tuple[int, int]]]:
    return [
        (f"up to FY{until - validated}, to learn from", (0, until - validated)),
        (f"in FY{until - validated + 1}-{until}, to choose on", (until - validated + 1, until)),
        (f"in FY{test[0]}-{test[1]}, to test on", test),
    ]


def _task_a(split: Any, task: str, indicators: str) -> Iterator[dict[str, Any]]:
    """Figures of each model, ours against each peer, and what was reached (without indicators)."""
    from tests.benchmarks.exim_peers import PEERS
    from tests.benchmarks.exim_reach import of_runs
    from tests.benchmarks.exim_tasks import compared, figures, runs

    chosen = {name: PEERS[name] for name in (PEERS if indicators == "without" else STRONGEST)}
    found = list(runs(split, chosen))
    shared = {"columns of missing values": indicators, "what": task}
    for name, rows in (("A", slice(None)), ("A2", split.cold)):
        taken = split.taken[rows]
        if len(taken) == 0:
            continue
        for run in found:
            about = {"model": run.model, "columns": run.columns, "events": len(taken)}
            made = {"seconds": round(run.seconds, 2), "setting": run.setting}
            yield {"task": name, **shared, **about, **figures(run.of(rows), taken), **made}
        for peer in chosen:
            others = [run.of(rows) for run in found if run.model == peer]
            gains = compared(found[0].of(rows), others, taken)
            yield {"task": name, **shared, "against": peer, **gains}
    if indicators == "without":
        yield from of_runs(split, found[0], found[1:])


def _task_n(split: Any, task: str) -> Iterator[dict[str, Any]]:
    from tests.benchmarks.exim_new import held_out
    from tests.benchmarks.exim_reach import of_new

    for line in held_out(split):
        yield {"task": "N", "what": task, **line}
    yield of_new(line, task)


def _task_d(decisions: Any, until: int, test: tuple[int, int]) -> Iterator[dict[str, Any]]:
    from tests.benchmarks.exim_prospects import prospects
    from tests.benchmarks.exim_reach import of_prospects

    found = list(prospects(decisions, until, test))
    yield from ({"task": "D", **line, "lists": len(line["lists"])} for line in found)
    yield from of_prospects(found)


def tables(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The results for people: figures, differences, new products, prospects, what was reached."""
    yield from _table("Figures", _figures(found))
    yield from _table("Ours minus the better run of each peer (95 % intervals)", _gains(found))
    yield from _table("A product never seen", [x for x in found if x.get("task") == "N"])
    yield from _table("Prospects", [x for x in found if x.get("task") == "D"])
    yield from _table("Reach", [x for x in found if "reach" in x])


def _figures(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for line in found:
        if line.get("task") in ("A", "A2") and "model" in line:
            kept = {name: value for name, value in line.items() if name != "setting"}
            kept["missing"] = kept.pop("columns of missing values")
            rows.append({name.replace("calibration", "ECE"): value for name, value in kept.items()})
    return rows


def _gains(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for line in found:
        if line.get("task") in ("A", "A2") and "against" in line:
            row = {"task": line["task"], "what": line["what"], "against": line["against"]}
            row["missing"] = line["columns of missing values"]
            row["NDCG@5"] = line["NDCG@5"]["difference"]
            row["macro hit@3"] = line["macro hit@3"]["difference"]
            row["log-loss, ratio"] = line["log-loss"]["ratio"]
            rows.append(row)
    return rows


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of equal width under their title; nothing without rows."""
    if not rows:
        return
    names = list(rows[0])
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    yield f"\n{title}"
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        middle, low, high = value
        return f"{middle:.3f} [{low:.3f}, {high:.3f}]"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and end with 0; 2 where nothing can be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="folder that holds the file pair; required")
    parser.add_argument("--train-to", type=int, default=2016, help="last fiscal year that teaches")
    parser.add_argument("--test-from", type=int, default=2017, help="first fiscal year tested")
    parser.add_argument("--test-to", type=int, default=2018, help="last fiscal year tested")
    parser.add_argument("--tasks", default=",".join(TASKS), help="A, N, D; A holds A2")
    given = parser.parse_args(arguments)
    if not given.data:
        return _refuse("Name the folder of the EXIM files: make bench-exim DATA=path/to/folder")
    if not given.train_to < given.test_from <= given.test_to:
        return _refuse("The years have to follow: TRAIN_TO before TEST_FROM, not after TEST_TO")
    return _measure(given)


def _measure(given: argparse.Namespace) -> int:
    from tests.benchmarks.exim_data import UnusableData

    found = []
    test, tasks = (given.test_from, given.test_to), given.tasks.split(",")
    try:
        for line in lines(Path(given.data), given.train_to, test, tasks):
            found.append(line)
            print(json.dumps(line, ensure_ascii=False, default=str), flush=True)
    except UnusableData as problem:
        return _refuse(str(problem))
    sys.stdout.flush()
    print("\n".join(tables(found)), file=sys.stderr)
    return 0


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="lightgbm")
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main())
