"""A: one company against a catalogue of 500 products, from the profile to the finished answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from statistics import mean
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from recommender import Company, Engine
from recommender.matching.encoding import Floats
from recommender.matching.scoring import MICRO, score
from recommender.options import Options
from recommender.tables import data_dir
from tests.benchmarks.catalogues import catalogue
from tests.benchmarks.timing import Line, Work, interleaved, lines

DAY = "2026-11-23"
LANE = "financing"
TOP = 10
SAMPLES = data_dir() / "samples"


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case A; the floor is what bare numpy needs for rules, sums and the top ten alone.

    Every call has another company than the one before: the samples take turns.
    """
    engine = Engine(catalogue(80 if small else 500))
    companies = [Company.load(path) for path in sorted(SAMPLES.glob("*.yaml"))]
    one, every = options(lanes=[LANE]), options()
    turns = cycle(companies)
    works: dict[str, Work] = {
        "floor": floor(engine, companies[0], one),
        "score": lambda: top_ten(engine, next(turns), one),
        "answer": lambda: engine.recommend(next(turns), one),
        "answer as JSON": lambda: orjson.dumps(engine.recommend(next(turns), one)),
        "answer, all lanes": lambda: engine.recommend(next(turns), every),
        "peer: sklearn ColumnTransformer, one row": column_transformer(companies[0]),
    }
    calls = 2 if small else len(companies)
    seconds = interleaved(works, rounds=2 if small else 9, calls=calls)
    yield from lines("A", seconds, "floor", **size(engine), **written(engine, companies, one))


def options(**stated: Any) -> Options:
    """Options of the benchmark: a fixed day, ten matches for each lane."""
    return Options.parse({"as_of": DAY, "language": "en", "limit": TOP, **stated})


def size(engine: Engine) -> Line:
    """How large the catalogue is: distinct rules, and rules counted for each product."""
    matcher = engine._matcher
    every = sum(len(engine.catalogue.rules(name)) for name in matcher.ids)
    return {"products": len(matcher.products), "rules": len(matcher.rules), "rules_of_all": every}


def written(engine: Engine, companies: Sequence[Company], chosen: Options) -> Line:
    """How many companies there are, and how long an answer is in the mean."""
    answers = [engine.recommend(company, chosen) for company in companies]
    matches = mean(sum(len(lane["matches"]) for lane in answer["lanes"]) for answer in answers)
    length = mean(len(orjson.dumps(answer)) for answer in answers)
    return {
        "companies": len(companies),
        "matches": round(matches, 1),
        "answer_bytes": round(length),
    }


def top_ten(engine: Engine, company: Company, chosen: Options) -> list[tuple[str, float]]:
    """Encode, answer all rules, score, and the ten best that fit of the lane, with their scores."""
    matcher = engine._matcher
    situation = matcher.situation([matcher.read(company, chosen.day)])
    fits = matcher.fits(situation.verdicts)[0]
    scores = score(matcher.values(situation, chosen.day), engine.weights, matcher.ids)
    fit = np.flatnonzero(matcher.offers.lane_is(LANE) & (fits >= 0))
    best = fit[np.lexsort((fit, -scores.total[0, fit]))[:TOP]]
    return [(matcher.ids[j], int(scores.total[0, j]) / MICRO) for j in best.tolist()]


def floor(engine: Engine, company: Company, chosen: Options) -> Callable[[], Floats]:
    """Rules, sums and top ten on arrays that are ready: less than any engine has to do.

    Each distinct rule is one comparison with two answers, where the engine has three and several
    comparisons to some; each product takes the answers of its rules; similarities are given.
    """
    matcher = engine._matcher
    chance = np.random.default_rng(7)
    rules, products = len(matcher.rules), len(matcher.products)
    numbers = chance.random(200)
    left = chance.integers(0, 200, rules)
    low, high = chance.random(rules) * 0.1, 0.8 + chance.random(rules) * 0.2
    lists = [chance.integers(0, rules, len(engine.catalogue.rules(name))) for name in matcher.ids]
    flat, starts = np.concatenate(lists), np.cumsum([0, *map(len, lists[:-1])])
    situation = matcher.situation([matcher.read(company, chosen.day)])
    values = np.nan_to_num(matcher.values(situation, chosen.day)[0], nan=0.5)
    weights = engine.weights.array

    def work() -> Floats:
        column = numbers[left]
        met = (column >= low) & (column <= high)
        fits = np.logical_and.reduceat(met[flat], starts)
        total = np.where(fits, (values * weights).sum(axis=1), -np.inf)
        return np.argpartition(-total, min(TOP, products - 1))[:TOP]

    return work


def column_transformer(company: Company) -> Work:
    """scikit-learn's usual way to encode the plain fields of one company: a one-row DataFrame."""
    plain = {name: getattr(company, name) for name in type(company).model_fields}
    numbers = {k: float(v) for k, v in plain.items() if isinstance(v, int) and v is not None}
    words = {k: str(v) for k, v in plain.items() if isinstance(v, str)}
    row = pd.DataFrame([{**numbers, **words}])
    encoder = ColumnTransformer(
        [
            ("numbers", StandardScaler(), list(numbers)),
            ("words", OneHotEncoder(handle_unknown="ignore"), list(words)),
        ]
    ).fit(pd.concat([row, row]))
    return lambda: encoder.transform(row)
