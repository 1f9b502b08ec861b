"""Benchmarks, one JSON line each: `python tests/benchmarks/run.py [--small] [NAME ...]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

CASES: Mapping[str, str] = {
    "A": "tests.benchmarks.company",
    "B": "tests.benchmarks.prospects",
    "C": "tests.benchmarks.many_products",
    "D": "tests.benchmarks.weights",
    "E": "tests.benchmarks.http",
    "L": "tests.benchmarks.loading",
    "P": "tests.benchmarks.plans",
    "Q": "tests.benchmarks.questions",
    "batch": "tests.benchmarks.batch",
    "import": "tests.benchmarks.imports",
    "beside": "tests.benchmarks.beside",
    "operation": "tests.benchmarks.operation",
    "record": "tests.benchmarks.record",
    "load": "tests.benchmarks.load",
    "memory": "tests.benchmarks.memory",
    "start": "tests.benchmarks.start",
    "ten-million": "tests.benchmarks.ten_million",
    "train": "tests.benchmarks.train",
}
WHEN_ASKED = ("load", "memory", "ten-million")


def case(name: str) -> Callable[..., Iterator[dict[str, object]]]:
    """The lines of one case, which is imported only now."""
    run: Callable[..., Iterator[dict[str, object]]] = import_module(CASES[name]).run
    return run


def main(argv: Sequence[str] | None = None) -> None:
    """Run the named cases, or those that are usual, and print a line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument(
        "--small", action="store_true", help="tiny sizes, to see that all of it runs"
    )
    given = parser.parse_args(argv)
    unknown = sorted(set(given.names) - set(CASES))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(CASES)}")
    for name in given.names or [name for name in CASES if name not in WHEN_ASKED]:
        for line in case(name)(small=given.small):
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # not this folder: its `http` is not Python's
    main()
