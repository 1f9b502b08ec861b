"""What the demo's made-up companies were shown in the months before, and what became of it.

Every list is a real answer of the engine, kept as a run like any other; only what the companies
chose is drawn by chance. So there is something to learn from, to look up and to replay.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from api.policy import Caller
from api.schemas.outcomes import OutcomeEntry
from api.store import outcomes, runs
from api.store.shown import day_in_shanghai
from api.store.store import Store
from api.store.visible_companies import profiles
from api.store.writer import Write
from recommender import Company, Engine
from recommender.outcomes.cells import REFUSALS
from recommender.simulation.draws import Draws

LISTS = 400
DAYS = 300
TOGETHER = 50
TAKEN, REFUSED = 0.3, 0.15
OFFERED = ("eligible", "conditional")
Json = dict[str, Any]


class Clock:
    """The time of what is written: set while the past is made up."""

    def __init__(self) -> None:
        self.now = datetime.datetime.now(datetime.UTC)

    def __call__(self) -> datetime.datetime:
        """That time."""
        return self.now


def lived(store: Store, clock: Clock, engine: Engine, caller: Caller, seed: int) -> None:
    """Show lists on days of the past, the oldest first, and record what became of each."""
    found = store.read(lambda c: list(profiles(c, caller, agreed=True)))[:LISTS]
    today, each = clock.now, datetime.timedelta(days=DAYS) / max(len(found), 1)
    for start in range(0, len(found), TOGETHER):
        clock.now = today - each * (len(found) - start)
        some = [(row[0], orjson.loads(row[2])) for row in found[start:][:TOGETHER]]
        day = day_in_shanghai(clock.now).isoformat()
        shown = [_run(engine, company_id, profile, day) for company_id, profile in some]
        store.write(partial(_keep, caller=caller, shown=shown))
        entries = [e for run in shown for e in _ends(run, Draws(seed, run.company_id), day)]
        store.write(partial(_record, caller=caller, entries=entries))
    clock.now = today


def _keep(write: Write, caller: Caller, shown: Sequence[runs.Run]) -> None:
    for run in shown:
        runs.keep(write, caller, run)


def _record(write: Write, caller: Caller, entries: Sequence[OutcomeEntry]) -> None:
    outcomes.record(write, caller, [("", entry) for entry in entries])


def _run(engine: Engine, company_id: str, profile: Json, day: str) -> runs.Run:
    stated = {"as_of": day, "lanes": ["financing"], "limit": 5, "language": "zh"}
    options = engine.options(stated)
    answer = engine.recommend(Company.parse(profile), options)
    request = {"company": profile, "options": options.model_dump(mode="json")}
    versions = {name: answer[name] for name in runs.VERSIONS}
    texts = (orjson.dumps(request).decode(), orjson.dumps(answer).decode())
    return runs.Run(
        str(uuid.uuid4()), "recommend", *texts, {**versions, "population_version": None},
        company_id, 1,
    )  # fmt: skip


def _ends(run: runs.Run, draws: Draws, day: str) -> Iterator[OutcomeEntry]:
    """At most one product is taken up, the earlier on the list the likelier."""
    lanes: list[Mapping[str, Any]] = orjson.loads(run.answer)["lanes"]
    chosen = False
    for match in (m for lane in lanes for m in lane["matches"] if m["fit"] in OFFERED):
        ended: Json = {"outcome": "declined"}
        if not chosen and draws.yes(TAKEN):
            chosen, ended = True, {"outcome": "taken"}
            if draws.yes(REFUSED):
                ended = {"outcome": "refused_by_bank", "reason_code": draws.item(REFUSALS)}
        named = {"run_id": run.id, "product_id": match["product_id"], "decided_on": day}
        yield OutcomeEntry.model_validate({**named, **ended})
