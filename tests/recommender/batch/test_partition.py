"""The partition function: products, order and scores as the engine answers, in bulk."""

from collections import Counter

import pyarrow as pa
import pytest
from batch_runs import DAY, FIRMS, MALFORMED, MODEL, as_batch
from catalogue_strategies import COMPANIES, catalogues, engine_of, parameters, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import AS_OF

from recommender import Engine
from recommender.batch import partition
from recommender.batch.partition import Partition
from recommender.batch.schema import ANSWERED
from recommender.batch.schema import COMPANIES as GOES_IN
from recommender.matching.matcher import Matcher
from recommender.matching.scoring import Weights, expert_weights
from recommender.parameters import Parameters
from recommender.texts import table as texts
from recommender.vocabulary import LANES

SHOWN = ("product_id", "fit", "rank", "score", "score_low", "score_high", "uptake_probability")
EXPERT = expert_weights()
IDS = tuple(MODEL.catalogue.products)
LEARNED = Weights(
    EXPERT.weights,
    {IDS[0]: 0.5, IDS[7]: -0.25},
    MODEL.catalogue.version,
    {"financing": (-1.0, 0.4), "hedge": (0.2, 0.1)},
    {"size=small": {IDS[1]: 0.75}, "region2=50": {IDS[2]: -0.5}, "size=micro": {IDS[3]: 0.3}},
    {
        "counts": {"": {IDS[0]: [90, 30], IDS[1]: [80, 8]}},
        "lanes": {name: product.lane for name, product in MODEL.catalogue.products.items()},
        "strength": 20.0,
    },
)


def made(weights=EXPERT, top=10, catalogue=MODEL.catalogue):
    return Partition(Matcher(catalogue, Parameters.load()), weights, DAY, top)


def told(answered):
    """By company: what is shown, in order."""
    found = {}
    for line in answered.to_pylist():
        if line["lane"] is not None:
            pair = tuple(line[name] for name in SHOWN)
            found.setdefault(line["company"], []).append((line["lane"], *pair))
    return found


def by_engine(engine, raw, day, top):
    answer = engine.recommend(engine.read(raw), as_of=str(day), limit=top)
    return [
        (lane["lane"], *(match[name] for name in SHOWN))
        for lane in answer["lanes"]
        for match in lane["matches"]
    ]


@pytest.mark.parametrize(("weights", "top"), [(EXPERT, 10), (EXPERT, 2), (LEARNED, 10)])
def test_what_is_shown_is_what_the_engine_recommends(weights, top):
    engine = Engine(MODEL.catalogue, weights=weights)
    found = told(made(weights, top).answered(as_batch(FIRMS[:25])))
    for firm in FIRMS[:25]:
        assert found.get(firm["id"], []) == by_engine(engine, firm, DAY, top)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
@given(catalogues(), st.lists(COMPANIES, min_size=1, max_size=3), st.sampled_from((1, 2, 10)))
def test_any_catalogue_and_company_is_answered_as_the_engine_does(rows, drawn, top):
    engine = engine_of(rows)
    firms = [{**read(engine, raw)[1], "id": f"f{n}"} for n, raw in enumerate(drawn)]
    matcher = Matcher(engine.catalogue, parameters())
    found = told(Partition(matcher, EXPERT, DAY, top).answered(as_batch(firms)))
    assert str(DAY) == AS_OF
    for firm in firms:
        assert found.get(firm["id"], []) == by_engine(engine, firm, DAY, top)


def test_ties_are_broken_by_provenance_then_papers_then_id():
    flat = Weights(dict.fromkeys(EXPERT.weights, 0.0))
    engine = Engine(MODEL.catalogue, weights=flat)
    found = told(made(flat, 50).answered(as_batch(FIRMS[:20])))
    assert any(len(lines) > 10 for lines in found.values())
    for firm in FIRMS[:20]:
        assert found.get(firm["id"], []) == by_engine(engine, firm, DAY, 50)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_how_many_are_held_at_once_changes_nothing(monkeypatch, size):
    whole = made().answered(as_batch(FIRMS[:20]))
    monkeypatch.setattr(partition, "BATCH", size)
    assert made().answered(as_batch(FIRMS[:20])).equals(whole)


def test_rows_come_out_in_the_order_of_companies_lanes_and_ranks():
    answered = made().answered(as_batch(FIRMS)).to_pylist()
    places = [(line["row"], LANES.index(line["lane"]), line["rank"]) for line in answered]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert {line["synthetic"] for line in answered} == {True}


def test_nobody_is_no_error():
    answered = made().answered(pa.RecordBatch.from_pylist([], GOES_IN))
    assert answered.schema == ANSWERED
    assert answered.num_rows == 0


def test_a_row_that_cannot_be_read_says_why_and_stops_nobody():
    good = as_batch(FIRMS[:6]).to_pylist()
    bad = [
        {"row": 100 + n, "id": name, "profile": raw and raw.encode(), "twice": None}
        for n, (name, raw, _) in enumerate(MALFORMED)
    ]
    bad.append({"row": 120, "id": "ø", "profile": b'{"name_en": "\xff"}', "twice": None})
    bad.append({**good[0], "row": 121, "twice": "firms.parquet:1"})
    mixed = pa.RecordBatch.from_pylist([*good[:3], *bad, *good[3:]], GOES_IN)
    answered = made().answered(mixed)
    assert told(answered) == told(made().answered(as_batch(FIRMS[:6])))
    rejected = {line["row"]: line for line in answered.to_pylist() if line["lane"] is None}
    assert len(rejected) == len(bad)
    for number, (_, _, code) in enumerate(MALFORMED):
        assert code in rejected[100 + number]["codes"].split()
    assert rejected[120]["codes"] == "batch_not_utf8"
    assert rejected[121]["codes"] == "duplicate_id"
    assert "firms.parquet:1" in rejected[121]["reason_en"]
    for line in rejected.values():
        assert line["reason_zh"].endswith("。")
        assert line["reason_en"].endswith(".")
        assert all(f"error.{code}" in texts() for code in line["codes"].split())
    assert Counter(line["company"] for line in rejected.values())["cut"] == 1


def test_all_problems_of_a_row_are_told():
    raw = b'{"staff": -1, "years_operating": 900, "colour": "red"}'
    row = {"row": 1, "id": "many", "profile": raw, "twice": None}
    (line,) = made().answered(pa.RecordBatch.from_pylist([row], GOES_IN)).to_pylist()
    assert len(line["codes"].split()) == 3
    assert all(name in line["reason_en"] for name in ("staff", "years_operating", "colour"))
