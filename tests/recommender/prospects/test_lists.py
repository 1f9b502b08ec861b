"""Prospects are what asking `recommend` for every company gives, the other way round."""

import base64
import datetime
from functools import cache
from itertools import pairwise

import orjson
import pytest
from catalogue_copies import changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from populations import DAY, engine, learned_weights, packed, profiles

from recommender import Company, Engine
from recommender.company.profile import Company as Profile
from recommender.company.relationship import Relationship, consent
from recommender.errors import InvalidOptions, NotFound
from recommender.matching.scoring import MICRO
from recommender.population.build import remove
from recommender.population.company_columns import split
from recommender.population.packing import middle_cny
from recommender.population.population import Population, PopulationMismatch
from recommender.prospects.lists import Prospects

AS_OF = DAY.isoformat()
FINANCING, HEDGE = "cor-cashflow", "fxh-forward"
EVERYONE = {"consent": False, "n": 1000}
few = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("prospects"))


@pytest.fixture(scope="module")
def prospects(population):
    return Prospects(engine(), population)


@pytest.fixture(scope="module")
def calibrated(population):
    lanes = ("financing", "hedge", "guarantee", "service")
    weights = learned_weights(dict.fromkeys(lanes, (-6.0, 0.55)))
    return Prospects(engine().serving(weights), population)


@cache
def answers_of(used):
    """Every company's own answer: its matches by product."""
    found = []
    for raw in profiles():
        profile, own = split(raw)
        answer = used.recommend(Company.parse(profile), as_of=AS_OF, limit=1000, language="en")
        own_matches = {m["product_id"]: m for lane in answer["lanes"] for m in lane["matches"]}
        found.append((own_matches, profile, own))
    return found


def matches_of(used, product_id):
    return [
        (matches[product_id], profile, own)
        for matches, profile, own in answers_of(used)
        if product_id in matches
    ]


def in_order(found, worth=lambda match: match["uptake_probability"]):
    def key(entry):
        match, profile, _ = entry
        near = match["fit"] == "near_miss"
        first = None if near else worth(match)
        by = -match["score"] if first is None else -first
        missing = (
            len(match["documents_required"])
            if match["documents_missing"] is None
            else len(match["documents_missing"])
        )
        return near, by, -match["score"], missing, profile["id"]

    return sorted(found, key=key)


PRODUCTS = list(engine().catalogue.products)


@pytest.mark.parametrize("product_id", PRODUCTS)
def test_every_product_lists_whom_recommend_gives_it_to(prospects, product_id):
    answer = prospects.top(product_id, **EVERYONE, language="en")
    expected = in_order(matches_of(engine(), product_id))
    assert [p["company"]["id"] for p in answer["prospects"]] == [e[1]["id"] for e in expected]
    for prospect, (match, _, _) in zip(answer["prospects"], expected, strict=True):
        for name in ("fit", "score", "score_low", "score_high", "contributions", "blockers",
                     "unknowns", "subject_to", "cautions", "indicative_amount",
                     "uptake_probability", "documents_missing"):  # fmt: skip
            assert prospect[name] == match[name], name
        if match["fit"] == "near_miss":
            assert prospect["changes"] == match["changes"]
    assert [p["rank"] for p in answer["prospects"]] == list(range(1, len(expected) + 1))
    assert answer["next"] is None


@pytest.mark.parametrize("product_id", PRODUCTS[::6])
def test_a_learned_model_orders_by_probability_where_it_is_known(calibrated, product_id):
    answer = calibrated.top(product_id, **EVERYONE, language="en")
    expected = in_order(matches_of(calibrated.engine, product_id))
    assert [p["company"]["id"] for p in answer["prospects"]] == [e[1]["id"] for e in expected]
    chances = [(p["uptake_probability"], e[0]["uptake_probability"])
               for p, e in zip(answer["prospects"], expected, strict=True)]  # fmt: skip
    assert all(a == b for a, b in chances)
    assert answer["calibrated"] == (engine().catalogue.product(product_id).lane in
                                    calibrated.engine.weights.uptake)  # fmt: skip


def test_expected_value_is_probability_times_the_middle_amount(calibrated):
    answer = calibrated.top(FINANCING, **EVERYONE, order="value", near_misses=False)
    used, place = calibrated.engine, engine().matcher.index[FINANCING]
    raws = {raw["id"]: split(raw)[0] for raw in profiles()}
    worths = []
    for prospect in answer["prospects"]:
        case = used.matcher.read(Profile.parse(raws[prospect["company"]["id"]]), DAY)
        middle = middle_cny(used.indications(case, [place])[0], case.rates)
        expected = None if middle is None else round(prospect["uptake_probability"] * middle, 2)
        assert prospect["expected_value_cny"] == expected
        worths.append(expected)
    known = [worth for worth in worths if worth is not None]
    assert known
    assert worths == sorted(known, reverse=True) + [None] * (len(worths) - len(known))


def test_expected_value_needs_probabilities(prospects):
    with pytest.raises(InvalidOptions) as caught:
        prospects.top(FINANCING, order="value")
    assert caught.value.problems[0].code == "order_without_chances"


def test_a_falling_chance_is_still_followed(population):
    weights = learned_weights({"financing": (3.0, -0.4)})
    used = Prospects(engine().serving(weights), population)
    found = used.top(FINANCING, **EVERYONE, near_misses=False)["prospects"]
    chances = [p["uptake_probability"] for p in found]
    assert chances == sorted(chances, reverse=True)
    by_score = used.top(FINANCING, **EVERYONE, near_misses=False, order="fit")["prospects"]
    scores = [p["score"] for p in by_score]
    assert scores == sorted(scores, reverse=True)
    assert {p["company"]["id"] for p in by_score} == {p["company"]["id"] for p in found}


# --- filters -------------------------------------------------------------------------------------


def own(prospect):
    return prospect["company"], prospect["relationship"]


def days_since(day):
    return None if day is None else (DAY - datetime.date.fromisoformat(day)).days


FILTERS = {
    "region": ("50", lambda c, r: (c["region"] or "").startswith("50")),
    "size": (("micro", "small"), lambda c, r: c["size_class"] in ("micro", "small")),
    "hs": ("87", lambda c, r: any(code.startswith("87") for code in c["hs"] or ())),
    "route": (("RSI",), lambda c, r: "RSI" in (c["routes"] or ())),
    "not_contacted_days": (
        30, lambda c, r: r["last_contacted"] is None or days_since(r["last_contacted"]) >= 30),
    "not_declined_days": (
        60, lambda c, r: r["last_declined"] is None or days_since(r["last_declined"]) >= 60),
    "first_loan": (True, lambda c, r: c["first_loan"] is True),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_keeps_those_that_meet_it_in_order(prospects, name):
    value, meets = FILTERS[name]
    whole = prospects.top(FINANCING, **EVERYONE)
    part = prospects.top(FINANCING, **EVERYONE, **{name: value})
    wanted = [p["company"]["id"] for p in whole["prospects"] if meets(*own(p))]
    assert [p["company"]["id"] for p in part["prospects"]] == wanted
    fitting = [p for p in whole["prospects"] if p["fit"] != "near_miss"]
    out = sum(not meets(*own(p)) for p in fitting)
    assert part["counts"]["left_out"] == {name: out}
    assert 0 < out < len(fitting)
    assert part["counts"]["kept"] == len(fitting) - out


@given(data=st.data())
@few
def test_filters_together_are_all_of_them(prospects, data):
    names = data.draw(st.lists(st.sampled_from(sorted(FILTERS)), unique=True))
    asked = {name: FILTERS[name][0] for name in names}
    whole = prospects.top(HEDGE, **EVERYONE)["prospects"]
    found = prospects.top(HEDGE, **EVERYONE, **asked)["prospects"]
    wanted = [p["company"]["id"] for p in whole if all(FILTERS[n][1](*own(p)) for n in names)]
    assert [p["company"]["id"] for p in found] == wanted


@pytest.mark.parametrize(("held", "kept"), [("exclude", (None, [])), ("only", (["x"],))])
def test_the_lane_held_already(prospects, held, kept):
    whole = prospects.top(FINANCING, **EVERYONE)["prospects"]
    found = prospects.top(FINANCING, **EVERYONE, lane_held=held)["prospects"]
    wanted = [
        p["company"]["id"]
        for p in whole
        if ("financing" in (p["relationship"]["lanes_held"] or ())) == (held == "only")
    ]
    assert wanted
    assert [p["company"]["id"] for p in found] == wanted


def test_consent_is_required_unless_said_otherwise_and_unknown_is_none(prospects):
    found = prospects.top(FINANCING, n=1000)
    whole = prospects.top(FINANCING, **EVERYONE)
    assert all(p["relationship"]["consent_to_contact"] is True for p in found["prospects"])
    agreed = [p for p in whole["prospects"] if p["relationship"]["consent_to_contact"]]
    assert [p["company"]["id"] for p in found["prospects"]] == [p["company"]["id"] for p in agreed]
    assert found["counts"]["left_out"]["consent"] > 0


def test_without_a_consent_column_the_profile_decides_and_without_both_nobody_is_listed(tmp_path):
    bare = [{k: v for k, v in raw.items() if k != "consents"} for raw in profiles()[:30]]
    for raw in bare:
        raw.pop("consent_to_contact", None)
    answer = Prospects(engine(), packed(tmp_path, bare)).top(FINANCING)
    assert answer["prospects"] == []
    fitting = answer["counts"]["eligible"] + answer["counts"]["conditional"]
    assert answer["counts"]["left_out"] == {"consent": fitting}
    assert fitting > 0


@pytest.mark.parametrize(
    ("own_word", "record", "found"),
    [(True, None, True), (None, True, True), (True, False, False), (False, True, False),
     (None, None, None)],
)  # fmt: skip
def test_a_no_on_either_side_counts(own_word, record, found):
    assert consent(own_word, record) is found


@pytest.mark.parametrize("kind", ["group", "manager"])
def test_at_most_so_many_of_one_group_or_manager(prospects, kind):
    whole = prospects.top(FINANCING, **EVERYONE)["prospects"]
    found = prospects.top(FINANCING, **EVERYONE, **{f"per_{kind}": 2})["prospects"]
    seen, wanted = {}, []
    for prospect in whole:
        name = prospect["relationship"][kind]
        seen[name] = seen.get(name, 0) + 1
        if name is None or seen[name] <= 2:
            wanted.append(prospect["company"]["id"])
    assert [p["company"]["id"] for p in found] == wanted
    assert len(wanted) < len(whole)


# --- pages ---------------------------------------------------------------------------------------


def pages(prospects, size, **kw):
    cursor, found = None, []
    while True:
        answer = prospects.top(FINANCING, **{**EVERYONE, "n": size, "cursor": cursor}, **kw)
        found.append(answer["prospects"])
        cursor = answer["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize("kw", [{}, {"per_group": 3}, {"near_misses": False}], ids=str)
def test_pages_put_together_are_the_list(prospects, size, kw):
    whole = prospects.top(FINANCING, **EVERYONE, **kw)["prospects"]
    assert [p for page in pages(prospects, size, **kw) for p in page] == whole


def test_pages_may_end_between_candidates(prospects, monkeypatch):
    whole = prospects.top(FINANCING, **EVERYONE)["prospects"]
    monkeypatch.setattr("recommender.prospects.lists.LOOKED_AT", 3)
    found = pages(prospects, 30)
    assert [p for page in found for p in page] == whole
    assert any(len(page) < 30 for page in found[:-1])


def test_a_cursor_is_of_one_list(prospects, calibrated):
    cursor = prospects.top(FINANCING, n=3)["next"]
    for other, product, more in (
        (prospects, FINANCING, {"region": "50"}),
        (prospects, "prg-centre", {}),
        (calibrated, FINANCING, {}),
    ):
        with pytest.raises(InvalidOptions) as caught:
            other.top(product, n=3, cursor=cursor, **more)
        assert [p.code for p in caught.value.problems] == ["cursor_of_another"]
    assert prospects.top(FINANCING, n=9, cursor=cursor, language="en")["prospects"]


def test_a_cursor_of_another_population_is_refused(tmp_path):
    population = packed(tmp_path, profiles()[:40])
    cursor = Prospects(engine(), population).top(FINANCING, n=2)["next"]
    remove(population.folder, [profiles()[7]["id"]])
    later = Prospects(engine(), Population.open(population.folder))
    with pytest.raises(InvalidOptions):
        later.top(FINANCING, n=2, cursor=cursor)


@given(st.text(max_size=40) | st.lists(st.integers() | st.none() | st.text(), max_size=5))
@few
def test_what_is_no_cursor_is_refused(prospects, given):
    text = given
    if isinstance(given, list):
        text = base64.urlsafe_b64encode(str(given).encode()).decode()
    with pytest.raises(InvalidOptions) as caught:
        prospects.top(FINANCING, cursor=text)
    assert caught.value.problems[0].code in ("not_cursor", "cursor_of_another")


# --- odd questions -------------------------------------------------------------------------------


def test_none_are_counted_only(prospects):
    answer = prospects.top(FINANCING, n=0)
    assert answer["prospects"] == []
    assert answer["next"] is None
    assert answer["counts"]["kept"] > 0


@pytest.mark.parametrize("n", [10**9, -1, 1.5, "x", True])
def test_a_billion_is_refused_with_what_is_allowed(prospects, n):
    with pytest.raises(InvalidOptions) as caught:
        prospects.top(FINANCING, n=n)
    assert [p.field for p in caught.value.problems] == ["n"]
    if n == 10**9:
        assert caught.value.problems[0].allowed == 1000


def test_an_unknown_product_is_not_found(prospects):
    with pytest.raises(NotFound):
        prospects.top("no-such-product")


def test_filters_that_match_nobody_leave_an_empty_list(prospects):
    answer = prospects.top(FINANCING, region="65", hs="97")
    assert (answer["prospects"], answer["next"]) == ([], None)
    assert answer["counts"]["kept"] == 0


def test_every_wrong_option_is_named_at_once(prospects):
    wrong = {"n": -1, "order": "luck", "region": "99", "hs": "84321029", "size": ["huge"], "x": 1}
    with pytest.raises(InvalidOptions) as caught:
        prospects.top(FINANCING, **wrong)
    fields = {p.field.partition("[")[0] for p in caught.value.problems}
    assert fields == set(wrong)


def test_an_empty_population_is_answered(tmp_path):
    answer = Prospects(engine(), packed(tmp_path, [])).top(FINANCING)
    assert answer["prospects"] == []
    assert answer["counts"]["companies"] == 0


def test_a_population_of_another_catalogue_is_refused_with_the_difference(population):
    other = Engine(changed(9_000_000))
    with pytest.raises(PopulationMismatch) as caught:
        Prospects(other, population)
    problem = caught.value.problems[0]
    assert (problem.field, problem.params) == (
        "catalogue_version",
        {"found": engine().catalogue.version, "expected": other.catalogue.version},
    )


def test_another_model_is_fine(calibrated):
    assert calibrated.top(FINANCING, n=1)["model_version"].startswith("model-")


def test_the_same_question_has_the_same_bytes(population, prospects):
    again = Prospects(engine(), Population.open(population.folder))
    first, second = (orjson.dumps(p.top(HEDGE, n=9)) for p in (prospects, again))
    assert first == second


def test_the_answer_says_what_it_rests_on(prospects, population):
    answer = prospects.top(FINANCING, n=2)
    assert answer["as_of"] == AS_OF
    assert answer["population_version"] == population.version
    assert answer["parameters_version"] == engine().parameters.version
    assert len(answer["notices"]) == 3
    assert all(p["company"]["synthetic"] for p in answer["prospects"])


def test_scores_fall_from_rank_to_rank(prospects):
    found = prospects.top(HEDGE, n=50, near_misses=False)["prospects"]
    assert all(a["score"] >= b["score"] for a, b in pairwise(found))
    assert all(round(p["score"] * MICRO) / MICRO == p["score"] for p in found)


def test_a_relationship_comes_back_as_it_was_given(prospects):
    given = {raw["id"]: split(raw)[1] for raw in profiles()}
    for prospect in prospects.top(FINANCING, **EVERYONE)["prospects"]:
        own = Relationship.model_validate(given[prospect["company"]["id"]])
        found = dict(prospect["relationship"])
        found.pop("consent_to_contact")
        assert found == own.model_dump(mode="json", exclude={"consent_to_contact"})
