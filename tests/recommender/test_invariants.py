"""What must hold for every company and every catalogue."""

import copy
import re
from itertools import groupby

import numpy as np
import orjson
from catalogue_strategies import COMPANIES, catalogues, engine_of, parameters, read, situations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import AS_OF, leaves, without

from recommender.errors import InvalidProfile
from recommender.matching.matcher import Matcher
from recommender.matching.scoring import MICRO, expert_weights, score
from recommender.matching.similarity import NAMES

often = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
WEIGHTS = expert_weights()
FITS = ("eligible", "conditional", "near_miss", "ineligible")
ORDER = {"eligible": 0, "conditional": 0, "near_miss": 1, "ineligible": 2}


def matches(answer):
    return [match for lane in answer["lanes"] for match in lane["matches"]]


def micros(number):
    """A score in millionths; refuses a number that is not a whole count of them."""
    found = round(number * MICRO)
    assert found / MICRO == number
    return found


# --- scores --------------------------------------------------------------------------------------


@often
@given(situations())
def test_contributions_sum_to_the_score_and_the_score_lies_in_its_range(s):
    for match in matches(s.recommend(include_ineligible=True)):
        parts = match["contributions"]
        assert sum(micros(part["contribution"]) for part in parts) == micros(match["score"])
        assert match["score_low"] <= match["score"] <= match["score_high"]
        open_weight = sum(micros(p["weight"]) for p in parts if not p["known"])
        assert micros(match["score_high"]) - micros(match["score_low"]) == open_weight
        assert all((part["value"] is None) == (not part["known"]) for part in parts)
        assert all(0 <= part["value"] <= 1 for part in parts if part["known"])
        assert match["uptake_probability"] is None


def scored(values):
    return score(values, WEIGHTS, ("p",))


SIMILARITIES = st.lists(
    st.just(float("nan")) | st.floats(0, 1), min_size=len(NAMES), max_size=len(NAMES)
).map(lambda row: np.array(row).reshape(1, 1, -1))


@given(SIMILARITIES, st.integers(0, len(NAMES) - 1), st.floats(0, 1))
def test_raising_a_similarity_never_lowers_the_score(values, k, raised):
    known = np.where(np.isnan(values[0, 0, k]), 0.5, values[0, 0, k])
    higher = values.copy()
    higher[0, 0, k] = max(known, raised)
    before, after = scored(values), scored(higher)
    assert after.total[0, 0] >= before.total[0, 0]
    assert after.low[0, 0] >= before.low[0, 0]


@given(SIMILARITIES, st.lists(st.floats(0, 1), min_size=len(NAMES), max_size=len(NAMES)))
def test_completing_what_is_unknown_stays_within_the_range(values, filling):
    before = scored(values)
    after = scored(np.where(np.isnan(values), np.array(filling), values))
    assert before.low[0, 0] <= after.total[0, 0] <= before.high[0, 0]


@often
@given(catalogues(), st.lists(COMPANIES, min_size=2, max_size=5))
def test_a_company_scores_the_same_alone_and_among_others(rows, raws):
    engine = engine_of(rows)
    matcher = Matcher(engine.catalogue, parameters())
    ids = tuple(engine.catalogue.products)
    companies = [read(engine, raw)[0] for raw in raws]
    day = engine.options({"as_of": AS_OF}).day
    cases = [matcher.read(company, day) for company in companies]
    together = matcher.situation(cases)
    values = matcher.values(together)
    totals, fits = score(values, WEIGHTS, ids).total, matcher.fits(together.verdicts)
    for i, case in enumerate(cases):
        alone = matcher.situation([case])
        assert np.array_equal(matcher.values(alone)[0], values[i], equal_nan=True)
        assert np.array_equal(score(matcher.values(alone), WEIGHTS, ids).total[0], totals[i])
        assert np.array_equal(matcher.fits(alone.verdicts)[0], fits[i])
        shown = {m["product_id"]: m for m in matches(everything(engine, companies[i]))}
        expected = {name: int(totals[i, j]) for j, name in enumerate(ids)}
        assert {name: micros(m["score"]) for name, m in shown.items()} == expected


def everything(engine, company):
    return engine.recommend(company, as_of=AS_OF, include_ineligible=True, limit=1000)


# --- verdicts and fits ---------------------------------------------------------------------------


def verdicts(products):
    return {
        (product["product_id"], i): rule["verdict"]
        for product in products
        for i, rule in enumerate(product["rules"])
    }


@settings(often, max_examples=80)
@given(situations(complete=True), st.data())
def test_learning_something_moves_a_verdict_only_from_unknown(s, data):
    places = list(leaves(s.raw))
    hidden = data.draw(st.lists(st.sampled_from(places), max_size=6)) if places else []
    try:
        less = s.engine.read(without(s.raw, hidden))
        before = verdicts(s.engine.eligibility(less, as_of=AS_OF)["products"])
    except InvalidProfile:
        return
    after = verdicts(s.eligibility())
    moved = {k: (v, after[k]) for k, v in before.items() if v not in ("unknown", after[k])}
    assert moved == {}, hidden


def weakest(rules):
    words = [rule["verdict"] for rule in rules]
    return "no" if "no" in words else "unknown" if "unknown" in words else "yes"


@often
@given(situations())
def test_a_fit_is_what_the_verdicts_say(s):
    fits = {"yes": "eligible", "unknown": "conditional", "no": "ineligible"}
    for product in s.eligibility():
        hard = [rule for rule in product["rules"] if rule["hard"]]
        ours = weakest([rule for rule in hard if rule["asked_of"] == "company"])
        others = weakest([rule for rule in hard if rule["asked_of"] != "company"])
        expected = "ineligible" if others == "no" else fits[ours]
        ceiling = s.engine.catalogue.product(product["product_id"]).fit_ceiling
        if ceiling and expected == "eligible":
            expected = "conditional"
        near = expected == "ineligible" and product["fit"] == "near_miss"
        assert product["fit"] == expected or near


@often
@given(situations(), st.sampled_from(("holds", "lacks")), st.booleans())
def test_soft_rules_never_gate(s, op, value):
    rows = {**copy.deepcopy(s.rows), "stops": []}
    for product in rows["products"]:
        own = [rule for rule in product["rules"] if rule.get("f") != "flag_4" and "any" not in rule]
        product["rules"] = [*own, {"f": "flag_4", "op": op, "hard": False}]
    engine = engine_of(rows)
    before, _ = read(engine, {**s.raw, "facts": {}})
    after, _ = read(engine, {**s.raw, "facts": {"flag_4": value}})
    assert fits_of(engine, before) == fits_of(engine, after)


def fits_of(engine, company):
    products = engine.eligibility(company, as_of=AS_OF)["products"]
    return {product["product_id"]: product["fit"] for product in products}


@often
@given(situations(), st.sampled_from((True, False, None)), st.sampled_from(("company", "bank")))
def test_what_banks_and_screening_say_never_makes_the_fit_better(s, value, source):
    """Unknown: listed; a known negative: ineligible; anything else: as if it was not asked."""
    rows = {**copy.deepcopy(s.rows), "stops": []}
    asked = {"bank_flag": "bank", "screening_flag": "screening"}
    for product in rows["products"]:
        own = [rule for rule in product["rules"] if rule.get("f") not in asked]
        own = [rule for rule in own if "any" not in rule]
        product["rules"] = [*own, *({"f": name, "op": "holds"} for name in asked)]
    engine = engine_of(rows)
    facts = {n: v for n, v in (s.raw.get("facts") or {}).items() if n not in asked}
    plain, raw = read(engine, {**s.raw, "facts": facts})
    stated = {name: {"value": value, "source": source} for name in asked}
    told, _ = read(engine, {**raw, "facts": {**raw["facts"], **stated}})
    before, after = fits_of(engine, plain), fits_of(engine, told)
    if value is not False:
        assert after == before
    else:
        assert not {"eligible", "conditional"} & set(after.values())
    kept = {"screening_flag"} if source == "bank" and value else set(asked)
    for match in matches(everything(engine, told)):
        listed = {line["field"] for line in match["subject_to"]} & set(asked)
        assert listed == (set() if value is False else kept)


# --- order ---------------------------------------------------------------------------------------


@often
@given(situations(), st.integers(1, 3))
def test_what_fits_is_ranked_first_and_the_limit_is_kept(s, limit):
    answer, full = s.recommend(limit=limit), s.recommend(include_ineligible=True, limit=1000)
    shown = {m["product_id"]: m for m in matches(full)}
    assert set(shown) == set(s.engine.catalogue.products)
    for lane in full["lanes"]:
        ranked = lane["matches"]
        assert [m["rank"] for m in ranked] == list(range(1, len(ranked) + 1))
        assert all(m["lane"] == lane["lane"] for m in ranked)
        groups = [ORDER[m["fit"]] for m in ranked]
        assert groups == sorted(groups)
        for _, group in groupby(ranked, key=lambda m: ORDER[m["fit"]]):
            scores = [m["score"] for m in group]
            assert scores == sorted(scores, reverse=True)
    for lane in answer["lanes"]:
        same = next(part for part in full["lanes"] if part["lane"] == lane["lane"])
        fitting = [m for m in same["matches"] if m["fit"] != "ineligible"]
        assert lane["matches"] == fitting[:limit]


@often
@given(situations())
def test_lanes_only_filter(s):
    whole = s.recommend()
    for lane in whole["lanes"]:
        part = s.recommend(lanes=[lane["lane"]])
        assert part["lanes"] == [lane]
        assert part["derived"] == whole["derived"]


@often
@given(situations())
def test_without_personalisation_the_fits_are_the_same_and_ids_order_them(s):
    personal = {m["product_id"]: m["fit"] for m in matches(s.recommend())}
    plain = s.recommend(personalised=False)
    assert {m["product_id"]: m["fit"] for m in matches(plain)} == personal
    for match in matches(plain):
        assert (match["score"], match["score_low"], match["score_high"]) == (None, None, None)
        assert match["contributions"] == []
    for lane in plain["lanes"]:
        keys = [(ORDER[m["fit"]], m["product_id"]) for m in lane["matches"]]
        assert keys == sorted(keys)


@often
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_lists_does_not_matter(s, chance):
    rows, raw = copy.deepcopy(s.rows), copy.deepcopy(s.raw)
    for section in rows.values():
        chance.shuffle(section)
    for product in rows["products"]:
        for name in ("rules", "documents", "currencies", "directions", "routes", "hs", "stages"):
            chance.shuffle(product.get(name, []))
    for part in (raw, raw.get("trade") or {}):
        for value in part.values():
            if isinstance(value, list):
                chance.shuffle(value)
    engine = engine_of(rows)
    company = engine.read(raw)
    assert engine.catalogue.version == s.engine.catalogue.version
    shuffled = engine.recommend(company, as_of=AS_OF, include_ineligible=True)
    assert canonical(shuffled) == canonical(s.recommend(include_ineligible=True))


ORDERLESS = ("terms", "missing", "documents", "rates_missing")


def canonical(value, name=""):
    """An answer without the numbers of list places, which move with their items."""
    if isinstance(value, dict):
        pairs = [[unplaced(key), canonical(part, key)] for key, part in value.items()]
        return sorted(pairs, key=orjson.dumps)
    if isinstance(value, list):
        found = [canonical(item) for item in value]
        return sorted(found, key=orjson.dumps) if name in ORDERLESS else found
    return unplaced(value) if isinstance(value, str) else value


def unplaced(text):
    return re.sub(r"\[\d+\]", "[]", text)
