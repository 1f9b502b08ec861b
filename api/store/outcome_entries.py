"""Outcomes as callers give them, held against what was shown to whom and when."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.refusals import Erased
from api.schemas.outcomes import OutcomeEntry
from api.store import shown
from api.store.companies import visible
from api.store.tables import applications, runs
from recommender.errors import InvalidInput, NotFound, Problem

Row = Mapping[Any, Any]
# What an enterprise may say by itself; the rest a bank knows.
OWN = ("declined",)


@dataclass
class Entries:
    """Entries read one after the other; what is wrong is collected in `problems`, not raised."""

    connection: sa.Connection
    caller: Caller
    now: datetime.datetime
    problems: list[Problem] = field(default_factory=list)
    _runs: dict[str, Row | None] = field(default_factory=dict)
    _companies: dict[str, Row | None] = field(default_factory=dict)
    _shown: dict[str, dict[str, str]] = field(default_factory=dict)
    _applied: dict[str, set[str]] = field(default_factory=dict)
    _read: set[tuple[str, str]] = field(default_factory=set)

    def row(self, entry: OutcomeEntry, place: str) -> dict[str, Any] | None:
        """The row to keep; None after adding what is wrong, under its place in the request."""
        run, problem = self._run(entry)
        wrong = [problem] if problem is not None else []
        if run is not None:
            wrong = list(self._unfit(entry, run))
        joint = "." if place else ""
        self.problems += [replace(p, field=f"{place}{joint}{p.field}") for p in wrong]
        if wrong or run is None:
            return None
        self._read.add((run["id"], entry.product_id))
        return self._row(entry, run)

    def _row(self, entry: OutcomeEntry, run: Row) -> dict[str, Any]:
        company = self._company(run["company_id"]) or {}
        return {
            "company_id": company["id"],
            "company_version": run["company_version"],
            "run_id": run["id"],
            "product_id": entry.product_id,
            "lane": self._products(run)[entry.product_id],
            "outcome": entry.outcome,
            "reason_code": entry.reason_code,
            "synthetic": company["synthetic"],
            "decided_on": self._decided(entry),
        }

    def _decided(self, entry: OutcomeEntry) -> datetime.date:
        return entry.decided_on or shown.day_in_shanghai(self.now)

    def _run(self, entry: OutcomeEntry) -> tuple[Row | None, Problem | None]:
        """The run an entry is about, or why there is none."""
        if entry.run_id is not None:
            run = self._run_of(entry.run_id)
            if run is None or entry.company_id not in (None, run["company_id"]):
                return None, Problem("run_unknown", "run_id", entry.run_id)
            return run, None
        company = self._company(str(entry.company_id))
        if company is None:
            return None, Problem("company_unknown", "company_id", entry.company_id)
        run = shown.latest(self.connection, company, entry.product_id, self.now)
        if run is None:
            return None, Problem("never_shown", "product_id", entry.product_id)
        return run, None

    def _run_of(self, run_id: str) -> Row | None:
        """A run of a company that the caller sees."""
        if run_id not in self._runs:
            own = runs.c.organisation_id == self.caller.organisation_id
            query = sa.select(runs).where(runs.c.id == run_id, own, runs.c.erased_at.is_(None))
            found = self.connection.execute(query).mappings().one_or_none()
            seen = found is not None and self._company(found["company_id"] or "") is not None
            self._runs[run_id] = found if seen else None
        return self._runs[run_id]

    def _company(self, company_id: str) -> Row | None:
        if company_id not in self._companies:
            try:
                found: Row | None = visible(self.connection, self.caller, company_id)
            except (NotFound, Erased, InvalidInput):
                found = None
            self._companies[company_id] = found
        return self._companies[company_id]

    def _products(self, run: Row) -> dict[str, str]:
        if run["id"] not in self._shown:
            self._shown[run["id"]] = shown.products(run["answer"])
        return self._shown[run["id"]]

    def _unfit(self, entry: OutcomeEntry, run: Row) -> Iterator[Problem]:
        """What contradicts the run, the day, the caller or what is on record."""
        products, product = self._products(run), entry.product_id
        if product not in products:
            yield Problem("product_not_shown", "product_id", product, sorted(products))
        day, decided = shown.day_in_shanghai(run["at"]), self._decided(entry)
        today, given = shown.day_in_shanghai(self.now), decided.isoformat()
        if decided < day:
            yield Problem("outcome_before_run", "decided_on", given, day.isoformat())
        if decided > today:
            yield Problem("outcome_future", "decided_on", given, today.isoformat())
        if self.caller.role == "enterprise" and entry.outcome not in OWN:
            yield Problem("not_one_of", "outcome", entry.outcome, list(OWN))
        if (run["id"], product) in self._read:
            yield Problem("outcome_twice", "product_id", product)
        if self._applied_for(run, product):
            yield Problem("outcome_by_application", "product_id", product)

    def _applied_for(self, run: Row, product_id: str) -> bool:
        if run["id"] not in self._applied:
            query = sa.select(applications.c.product_id).where(applications.c.run_id == run["id"])
            self._applied[run["id"]] = set(self.connection.execute(query).scalars())
        return product_id in self._applied[run["id"]]
