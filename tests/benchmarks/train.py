"""train: from files of outcomes and firms to a model with its card, and the same once more.

Every step is a process of its own. Megabytes are those of the process and all it started together,
looked at twenty times a second; `seconds of processor` do not count what others do on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from tests.benchmarks.serving import ROOT, SERVE
from tests.benchmarks.timing import Line, significant

FIRMS, SMALL = 6_600, 60
AGAINST = "peer: sklearn DictVectorizer and LogisticRegression"
APART = {"run.json"}  # when it was run and how long it took
PEER = """
import json, sys
import pandas as pd
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

rows = pd.read_csv(sys.argv[1]).sort_values("date", kind="stable", ignore_index=True)
firms = {}
for line in open(sys.argv[2], encoding="utf-8"):
    firm = json.loads(line)
    facts = {name: fact["value"] if isinstance(fact, dict) else fact
             for name, fact in firm.get("facts", {}).items()}
    plain = {**firm, **facts}
    firms[firm["id"]] = {k: v if isinstance(v, bool) else str(v) for k, v in plain.items()
                         if isinstance(v, (bool, str)) and k != "id"}
seen = [{**firms[firm], "product": product, "position": place}
        for firm, product, place in zip(rows["company"], rows["product"], rows["position"])]
taken = (rows["outcome"] == "taken").to_numpy()
columns, cut = DictVectorizer(), len(rows) * 4 // 5
model = LogisticRegression(max_iter=1000).fit(columns.fit_transform(seen[:cut]), taken[:cut])
print(model.predict_proba(columns.transform(seen[cut:]))[:, 1].mean())
"""


@dataclass(frozen=True)
class Ran:
    """What a process took. cpu: seconds of processor, of it and of all it started."""

    seconds: float
    cpu: float
    megabytes: float | None


def run(*, small: bool) -> Iterator[Line]:
    """One line: training from files, measured against a plain logistic regression on the same."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        outcomes = simulated(place, SMALL if small else FIRMS)
        table = [str(outcomes), str(place / "firms.jsonl")]
        peer = measured(PEER, *table)
        first, again = (trained(outcomes, place / name) for name in ("first", "again"))
        yield {
            "case": "train",
            "what": "corridor train, from files to model and card",
            "ratio": significant(first.cpu / peer.cpu),
            "against": AGAINST,
            **sizes(outcomes),
            **told(first, ""),
            **told(again, "again_"),
            **told(peer, "against_"),
            "identical": contents(place / "first") == contents(place / "again"),
        }


def simulated(place: Path, firms: int) -> Path:
    """A file of made-up outcomes, with the firms beside it."""
    outcomes = place / "outcomes.csv"
    drawn = ["--companies", str(firms), "--unknown", "0.2", "--seed", "1"]
    measured(
        SERVE, "simulate", *drawn, "--out", f"{place}/firms.jsonl", "--outcomes", f"{outcomes}"
    )
    return outcomes


def trained(outcomes: Path, registry: Path) -> Ran:
    """What `corridor train` takes."""
    return measured(SERVE, "train", "--outcomes", str(outcomes), "--models", str(registry))


def measured(code: str, *arguments: str) -> Ran:
    """A process of its own, with one thread of linear algebra, as train takes in any case."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    begun, before = perf_counter(), os.times()
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        held = Watch(process.pid)
        said = process.communicate()[1].decode()
        most = held.stop()
    if process.returncode:
        raise RuntimeError(said)
    now = os.times()
    cpu = now.children_user + now.children_system - before.children_user - before.children_system
    return Ran(perf_counter() - begun, cpu, most)


class Watch:
    """The most that a process and its descendants held at once."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self._most = max(self._most, sum(map(resident, descendants(self._pid))))

    def stop(self) -> float | None:
        """Megabytes; None where the system does not tell."""
        self._done.set()
        self._thread.join()
        return self._most or None


def descendants(pid: int) -> list[int]:
    """A process and all that it started, as far as they still run."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, task.read_text("utf-8").split())
            except OSError:
                continue
    return found


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds; 0 once it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def sizes(outcomes: Path) -> Line:
    """Rows and products of a table of outcomes."""
    import pandas as pd

    from recommender import Catalogue

    rows = pd.read_csv(outcomes, usecols=["event", "company"])
    events, firms = rows["event"].nunique(), rows["company"].nunique()
    found = {"rows": len(rows), "events": events, "firms": firms}
    return {**found, "products": len(Catalogue.load().products)}


def told(ran: Ran, prefix: str) -> dict[str, Any]:
    """Seconds and megabytes with a prefix to their names."""
    held = None if ran.megabytes is None else significant(ran.megabytes)
    names = ("seconds", "processor_seconds", "megabytes")
    values: Sequence[Any] = (significant(ran.seconds), significant(ran.cpu), held)
    return {f"{prefix}{name}": value for name, value in zip(names, values, strict=True)}


def contents(registry: Path) -> dict[str, bytes]:
    """Every file of the models of a registry but those that tell when."""
    files = sorted(path for path in registry.rglob("*") if path.is_file())
    return {str(path.relative_to(registry)): path.read_bytes() for path in files
            if path.name not in APART}  # fmt: skip
