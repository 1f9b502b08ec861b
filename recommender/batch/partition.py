"""The partition function: a batch of companies in, a batch of ranked products out.

What goes in and comes out are Arrow record batches, the same wherever it runs. Every row of the
input comes out: as products in each lane, or as one row that says why it was rejected.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from recommender.answers.matches import FITS
from recommender.answers.ranking import INELIGIBLE, Ranking
from recommender.batch.schema import ANSWERED
from recommender.errors import Problem, UnreadableFile
from recommender.matching.matcher import Case, Matcher
from recommender.matching.pairs import BATCH, examined
from recommender.matching.scoring import MICRO, Scores, Weights, score
from recommender.tables import parse_json
from recommender.texts import problem_text
from recommender.vocabulary import LANES

REASONS = 20
Row = Mapping[str, Any]


class Shown(NamedTuple):
    """Pairs that are shown, by company, lane and rank: places of each, as arrays (k,)."""

    company: Any
    lane: Any
    rank: Any
    product: Any


class Partition:
    """Answers for batches of companies, on one compiled catalogue, weights and day.

    top: products shown in each lane, as the option `limit` of one answer.
    """

    def __init__(
        self, matcher: Matcher, weights: Weights, as_of: datetime.date, top: int = 10
    ) -> None:
        self._matcher, self._weights, self._day, self._top = matcher, weights, as_of, top
        self._ranking = Ranking(matcher)

    def answered(self, companies: pa.RecordBatch) -> pa.RecordBatch:
        """COMPANIES to ANSWERED; products in the order of the rows, of lanes and of ranks."""
        rows = companies.to_pylist()
        parts = [self._some(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)]
        table = pa.Table.from_batches(parts, ANSWERED).combine_chunks()
        batches = table.to_batches(max_chunksize=len(table) or None)
        return batches[0] if batches else pa.RecordBatch.from_pylist([], ANSWERED)

    def _some(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """A few companies, as many as are held in memory at once."""
        problems: dict[int, list[Problem]] = {}
        wanted, places = [], []
        for place, row in enumerate(rows):
            raw, problem = _profile(row)
            if problem is None:
                wanted.append((raw, self._day))
                places.append(place)
            else:
                problems[place] = [problem]
        cases, found = examined(self._matcher, wanted)
        for problem in found:
            problems.setdefault(places[problem.row or 0], []).append(problem)
        known = [
            (rows[place], case)
            for place, case in zip(places, cases, strict=True)
            if case is not None
        ]
        parts = [self._matches(known)] if known else []
        rejected = [_rejected(rows[place], problems[place]) for place in sorted(problems)]
        if rejected:
            parts.append(pa.RecordBatch.from_pylist(rejected, ANSWERED))
        return pa.concat_batches(parts)

    def _matches(self, known: Sequence[tuple[Row, Case]]) -> pa.RecordBatch:
        """The products shown to companies that could be read."""
        matcher, weights = self._matcher, self._weights
        cases = [case for _, case in known]
        situation = matcher.situation(cases)
        firms = [case.firm for case in cases] if weights.tells_firms_apart else None
        scores = score(matcher.values(situation, self._day), weights, matcher.ids, firms)
        grades = matcher.fits(situation.verdicts)
        for case, verdicts, own in zip(cases, situation.verdicts, grades, strict=True):
            lanes = self._ranking.short_lanes(own, LANES, self._top)
            remedies = self._ranking.remedies(case)
            self._ranking.mark_near_misses(remedies, verdicts, own, lanes)
        offers = matcher.offers
        held = [offers.papers_held(has) for has in situation.companies.columns.has.tolist()]
        shown = self._shown(grades, scores, offers.wanted - np.array(held))
        return self._batch(known, shown, grades, scores)

    def _shown(self, grades: Any, scores: Scores, missing: Any) -> Shown:
        """The first of each lane. grades, missing (n, m)."""
        found = []
        group = np.minimum(grades, 0)
        for number, lane in enumerate(LANES):
            at = np.flatnonzero(self._matcher.offers.lanes[lane])
            order = self._ranking.order(at, group[:, at], scores.total[:, at], missing[:, at])
            products = at[order[:, : self._top]]
            fits = np.take_along_axis(grades, products, axis=1) > INELIGIBLE
            company, place = np.nonzero(fits)
            lanes = np.full(len(company), number)
            found.append((company, lanes, place + 1, products[company, place]))
        columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        order = np.lexsort((columns[2], columns[1], columns[0]))
        return Shown(*(column[order] for column in columns))

    def _batch(
        self, known: Sequence[tuple[Row, Case]], shown: Shown, grades: Any, scores: Scores
    ) -> pa.RecordBatch:
        at = (shown.company, shown.product)
        fits, points = grades[at].tolist(), scores.total[at] / MICRO
        lanes = [LANES[number] for number in shown.lane.tolist()]
        uptake = [
            self._weights.chance(lane, total) if fit >= 0 else None
            for lane, fit, total in zip(lanes, fits, points.tolist(), strict=True)
        ]
        values = {
            "row": _of([row["row"] for row, _ in known], shown.company),
            "company": _of([row["id"] for row, _ in known], shown.company),
            "lane": lanes,
            "rank": shown.rank,
            "product_id": _of(self._matcher.ids, shown.product),
            "fit": [FITS[fit] for fit in fits],
            "score": points,
            "score_low": scores.low[at] / MICRO,
            "score_high": scores.high[at] / MICRO,
            "uptake_probability": uptake,
            "synthetic": _of([case.company.synthetic for _, case in known], shown.company),
        }
        return _batch_of(values, len(fits))


def _of(values: Sequence[Any], places: Any) -> pa.Array:
    return pa.array(values).take(pa.array(places))


def _batch_of(values: Mapping[str, Any], count: int) -> pa.RecordBatch:
    """Columns as a batch; those that are not given are null."""
    arrays = [
        _cast(values[field.name], field.type)
        if field.name in values
        else pa.nulls(count, field.type)
        for field in ANSWERED
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=ANSWERED)


def _cast(values: Any, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def _profile(row: Row) -> tuple[Any, Problem | None]:
    """A profile as plain values with its id, or what is wrong with its row."""
    name, content = row["id"], row["profile"]
    if content is None:
        return None, Problem("missing", "profile")
    try:
        raw = parse_json(content.decode("utf-8-sig"), "")
    except UnicodeDecodeError as error:
        return None, Problem("batch_not_utf8", "profile", params={"byte": error.start + 1})
    except UnreadableFile as error:
        return None, Problem("batch_not_json", "profile", params={"reason": error.params["reason"]})
    if name is None:
        return None, Problem("missing", "id")
    if row["twice"] is not None:
        return None, Problem("duplicate_id", "id", name, None, {"first": row["twice"]})
    if not isinstance(raw, dict):
        return raw, None
    own = raw.get("id")
    if own not in (None, name):
        return None, Problem("batch_id_differs", "id", own, name)
    return {**raw, "id": name}, None


def _rejected(row: Row, problems: Sequence[Problem]) -> dict[str, Any]:
    told = problems[:REASONS]
    return {
        "row": row["row"],
        "company": row["id"],
        "codes": " ".join(dict.fromkeys(_codes(problems))),
        "reason_zh": "；".join(problem_text(problem, "zh").rstrip("。") for problem in told) + "。",
        "reason_en": " ".join(problem_text(problem, "en") for problem in told),
    }


def _codes(problems: Sequence[Problem]) -> Iterator[str]:
    return (problem.code for problem in problems)
