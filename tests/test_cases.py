"""Situations a banker can read aloud: tests/cases/*.yaml, each with what the engine must say."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from recommender import Catalogue, Engine
from recommender.errors import InvalidProfile
from recommender.tables import data_dir, read_document

CASES = Path(__file__).parent / "cases"
SAMPLES = data_dir() / "samples"
NOT_SITUATIONS = {"formulas.yaml"}  # figures, tested in tests/recommender/test_derived.py
CASE_KEYS = {"title", "story", "company", "sample", "set", "rates", "as_of", "expect"}
FITS = ("eligible", "conditional", "near_miss", "ineligible")
LANGUAGES = ("zh", "en")

Case = dict[str, Any]
Answers = dict[str, dict[str, Any]]
Faults = Iterator[str]


@cache
def engine() -> Engine:
    return Engine(Catalogue.load())


# --- reading -------------------------------------------------------------------------------------


def read_cases() -> list[Any]:
    files = [path for path in sorted(CASES.glob("*.yaml")) if path.name not in NOT_SITUATIONS]
    return [
        pytest.param(case, id=f"{path.stem}: {case['title']}")
        for path in files
        for case in read_document(path)
    ]


def profile_of(case: Case) -> Any:
    """The profile a case speaks of: its own or a sample, with its changes set."""
    sample = case.get("sample")
    raw = read_document(SAMPLES / f"{sample}.yaml") if sample else case["company"]
    raw = deepcopy(raw)
    for dotted, value in case.get("set", {}).items():
        place, *parts = dotted.split(".")
        inner = raw
        for part in parts:
            inner = inner.setdefault(place, {})
            place = part
        inner[place] = value
    return raw


def options_of(case: Case, language: str) -> dict[str, Any]:
    chosen = {
        "as_of": case["as_of"],
        "include_ineligible": True,
        "language": language,
        "limit": 1000,
    }
    return chosen | ({"rates": case["rates"]} if "rates" in case else {})


def answers_to(case: Case) -> Answers:
    company = engine().read(profile_of(case))
    return {
        language: engine().recommend(company, **options_of(case, language))
        for language in LANGUAGES
    }


def matches(answers: Answers, language: str = "en") -> dict[str, dict[str, Any]]:
    lanes = answers[language]["lanes"]
    return {match["product_id"]: match for lane in lanes for match in lane["matches"]}


# --- expectations: each yields what is wrong, in words -------------------------------------------


def why(match: dict[str, Any]) -> str:
    """What the engine says about a product, for a message."""
    said = [f"blocked: {line['text']}" for line in match["blockers"]]
    said += [f"open: {line['field']}" for line in match["unknowns"]]
    return "; ".join(said) or "no blockers, nothing open"


def is_fit(fit: str) -> Callable[[Any, Answers], Faults]:
    def check(wanted: list[str], answers: Answers) -> Faults:
        found = matches(answers)
        for name in wanted:
            if found[name]["fit"] != fit:
                yield f"{name} should be {fit}, is {found[name]['fit']} ({why(found[name])})"
        if wanted == []:
            extra = [name for name, match in found.items() if match["fit"] == fit]
            if extra:
                yield f"nothing should be {fit}, but {extra} are"

    return check


def never(wanted: list[str], answers: Answers) -> Faults:
    found = matches(answers)
    for name in wanted:
        if found[name]["fit"] in ("eligible", "conditional"):
            yield f"{name} must not be offered here, is {found[name]['fit']}"


def first(wanted: dict[str, str], answers: Answers) -> Faults:
    for lane in answers["en"]["lanes"]:
        leader = lane["matches"][0]["product_id"]
        if lane["lane"] in wanted and leader != wanted[lane["lane"]]:
            yield f"{wanted[lane['lane']]} should lead {lane['lane']}, {leader} does"


def above(wanted: list[list[str]], answers: Answers) -> Faults:
    found = matches(answers)
    for better, worse in wanted:
        if found[better]["lane"] != found[worse]["lane"]:
            yield f"{better} and {worse} stand in different lanes and are not compared"
        elif found[better]["rank"] >= found[worse]["rank"]:
            yield f"{better} should stand above {worse}"


def amounts(wanted: dict[str, dict[str, Any]], answers: Answers) -> Faults:
    for name, expected in wanted.items():
        amount = matches(answers)[name]["indicative_amount"]
        for part, value in expected.items():
            if amount[part] != value:
                yield f"{name}: amount {part} should be {value}, is {amount[part]}"


def derived(wanted: dict[str, Any], answers: Answers) -> Faults:
    figures = answers["en"]["derived"]
    for name, value in wanted.items():
        if name != "positions":
            if figures[name] != value:
                yield f"{name} should be {value}, is {figures[name]}"
            continue
        open_ = {f"{p['currency']} {p['bucket']}": p for p in figures["positions"]}
        for place, parts in value.items():
            for part, expected in parts.items():
                if open_[place][part] != expected:
                    yield f"{place}: {part} should be {expected}, is {open_[place][part]}"


def listed(section: str, present: bool = True) -> Callable[[Any, Answers], Faults]:
    """Codes or fields of one section of a match that must stand there, or must not."""

    def check(wanted: dict[str, list[str]], answers: Answers) -> Faults:
        for name, names in wanted.items():
            lines = matches(answers)[name][section]
            seen = {line["code"] for line in lines} | {line["field"] for line in lines}
            for one in names:
                if (one in seen) != present:
                    verb = "should" if present else "should not"
                    yield f"{name}: {section} {verb} name {one}; it names {sorted(seen)}"

    return check


def changes(wanted: dict[str, list[dict[str, Any]]], answers: Answers) -> Faults:
    """`set` is what the change sets, exactly; `sets` a field it touches; `by` who makes it."""
    for name, expected in wanted.items():
        shown = matches(answers)[name]["changes"]
        for one in expected:
            if not any(is_change(one, change) for change in shown):
                offered = [(change["set"], change["by"]) for change in shown]
                yield f"{name}: the change {one} should be shown; shown are {offered}"


def is_change(wanted: dict[str, Any], shown: dict[str, Any]) -> bool:
    same = "set" not in wanted or wanted["set"] == shown["set"]
    touches = "sets" not in wanted or wanted["sets"] in shown["set"]
    return same and touches and wanted["by"] == shown["by"]


def no_changes(wanted: list[str], answers: Answers) -> Faults:
    """Facts or fields that no change of any product may touch."""
    for name, match in matches(answers).items():
        for change in match["changes"]:
            for field in sorted(set(wanted) & set(change["set"])):
                yield f"{name}: nobody can change {field}, yet {change['text']!r} is offered"


def says(wanted: list[dict[str, str]], answers: Answers) -> Faults:
    for fragments in wanted:
        for language, fragment in fragments.items():
            if fragment not in json.dumps(answers[language], ensure_ascii=False):
                yield f"nowhere in the {language} answer: {fragment!r}"


def unsaid(wanted: list[dict[str, str]], answers: Answers) -> Faults:
    for fragments in wanted:
        for language, fragment in fragments.items():
            if fragment.casefold() in json.dumps(answers[language], ensure_ascii=False).casefold():
                yield f"must not be said in the {language} answer: {fragment!r}"


def notices_contain(wanted: list[dict[str, str]], answers: Answers) -> Faults:
    for fragments in wanted:
        for language, fragment in fragments.items():
            if not any(fragment in notice for notice in answers[language]["notices"]):
                yield f"no {language} notice says {fragment!r}"


def nothing_fits(wanted: bool, answers: Answers) -> Faults:
    for language in LANGUAGES:
        said = answers[language]["nothing_fits"]
        if (said is not None) != wanted:
            yield f"nothing_fits should be {'said' if wanted else 'silent'}; {language}: {said}"


def lanes(wanted: dict[str, str], answers: Answers) -> Faults:
    for name, lane in wanted.items():
        if matches(answers)[name]["lane"] != lane:
            yield f"{name} belongs to the lane {lane}"


def legal_notes(wanted: dict[str, Any], answers: Answers) -> Faults:
    for name, day in wanted.items():
        note = matches(answers)[name]["legal_note"]
        if note is None or note["as_of"] != str(day):
            yield f"{name} should carry a legal note dated {day}"


def relations(wanted: dict[str, dict[str, list[str]]], answers: Answers) -> Faults:
    for name, kinds in wanted.items():
        shown = matches(answers)[name]["relations"]
        for kind, others in kinds.items():
            named = {
                other["product_id"]
                for relation in shown
                if relation["kind"] == kind
                for other in relation["products"]
            }
            if not set(others) <= named:
                yield f"{name}: {kind} should name {others}, names {sorted(named)}"


def questions(wanted: list[str], answers: Answers) -> Faults:
    asked = [question["fact"] for question in answers["en"]["next_questions"]]
    for name in wanted:
        if name not in asked:
            yield f"{name} should be among the next questions {asked}"


EXPECTATIONS: dict[str, Callable[[Any, Answers], Faults]] = {
    **{fit: is_fit(fit) for fit in FITS},
    "never": never,
    "first": first,
    "above": above,
    "amounts": amounts,
    "derived": derived,
    "subject_to": listed("subject_to"),
    "not_subject_to": listed("subject_to", present=False),
    "blockers": listed("blockers"),
    "cautions": listed("cautions"),
    "unknowns": listed("unknowns"),
    "changes": changes,
    "no_changes": no_changes,
    "says": says,
    "unsaid": unsaid,
    "notices_contain": notices_contain,
    "nothing_fits": nothing_fits,
    "lanes": lanes,
    "legal_notes": legal_notes,
    "relations": relations,
    "questions": questions,
}


# --- judging -------------------------------------------------------------------------------------


def named_products(node: Any, known: set[str]) -> Iterator[str]:
    """Words that look like product ids and are none."""
    first_parts = {name.partition("-")[0] for name in known}
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from named_products(key, known)
            yield from named_products(inner, known)
    elif isinstance(node, list):
        for inner in node:
            yield from named_products(inner, known)
    elif isinstance(node, str) and "-" in node and " " not in node and node not in known:
        yield from [node] if node.partition("-")[0] in first_parts else []


def misread(case: Case) -> Faults:
    """What is wrong with the case itself."""
    for key in sorted(set(case) - CASE_KEYS):
        yield f"unknown key in the case: {key}"
    if ("sample" in case) == ("company" in case):
        yield "a case speaks of a sample or of a company of its own"
    if not isinstance(case.get("as_of"), (str, datetime.date)):
        yield "as_of: the day is missing"
    expect = case.get("expect") or {}
    if not expect:
        yield "nothing is expected"
    for key in sorted(set(expect) - set(EXPECTATIONS) - {"refused"}):
        yield f"unknown key under expect: {key}"
    for name in named_products(expect, set(engine().catalogue.products)):
        yield f"no such product: {name}"


def refusals(case: Case, wanted: list[str]) -> Faults:
    try:
        answers_to(case)
    except InvalidProfile as error:
        seen = {problem.code for problem in error.problems}
        missing = [code for code in wanted if code not in seen]
        yield from (f"{code} should be said; said are {sorted(seen)}" for code in missing)
    else:
        yield f"the profile should be refused with {wanted}, and was read"


def faults(case: Case) -> list[str]:
    """Everything that is not as the case expects it."""
    wrong = list(misread(case))
    if wrong:
        return wrong
    expect = case["expect"]
    if "refused" in expect:
        return list(refusals(case, expect["refused"]))
    answers = answers_to(case)
    return [fault for key, wanted in expect.items() for fault in EXPECTATIONS[key](wanted, answers)]


@pytest.mark.parametrize("case", read_cases())
def test_the_engine_says_what_a_banker_would_say(case):
    wrong = faults(case)
    if wrong:
        lines = "\n  - ".join(wrong)
        pytest.fail(f"{case['title']}\n  {case['story'].strip()}\n  - {lines}", pytrace=False)


# --- the cases themselves ------------------------------------------------------------------------

SOUND = {
    "title": "A case that holds",
    "story": "An insured exporter.",
    "sample": "electronics_insured_exporter",
    "as_of": "2026-11-23",
}
BROKEN = [
    ({"elligible": ["eci-financing"]}, "unknown key under expect: elligible"),
    ({"eligible": ["eci-finance"]}, "no such product: eci-finance"),
    ({}, "nothing is expected"),
    ({"eligible": ["exp-packing"]}, "exp-packing should be eligible"),
    ({"ineligible": ["eci-financing"]}, "eci-financing should be ineligible"),
    ({"eligible": []}, "nothing should be eligible"),
    ({"never": ["eci-financing"]}, "eci-financing must not be offered"),
    ({"first": {"financing": "exp-packing"}}, "exp-packing should lead financing"),
    ({"above": [["exp-packing", "eci-financing"]]}, "exp-packing should stand above"),
    ({"above": [["fxh-forward", "eci-financing"]]}, "different lanes"),
    ({"amounts": {"eci-financing": {"high": 450000}}}, "amount high should be 450000"),
    ({"derived": {"collateral_gap": 1}}, "collateral_gap should be 1"),
    ({"derived": {"positions": {"USD 1-3m": {"side": "buy"}}}}, "side should be buy"),
    ({"subject_to": {"eci-financing": ["credit_line"]}}, "should name credit_line"),
    ({"not_subject_to": {"eci-financing": ["screening_result"]}}, "should not name"),
    ({"blockers": {"exp-packing": ["lc_soft_clause.lacks"]}}, "should name lc_soft_clause"),
    ({"cautions": {"eci-financing": ["fit_ceiling"]}}, "should name fit_ceiling"),
    ({"unknowns": {"eci-financing": ["need.purpose"]}}, "should name need.purpose"),
    ({"changes": {"exp-packing": [{"set": {"goods_shipped": False}, "by": "company"}]}}, "change"),
    ({"no_changes": ["trade.settlement_methods"]}, "nobody can change"),
    ({"says": [{"zh": "绝无此语"}]}, "nowhere in the zh answer"),
    ({"unsaid": [{"en": "Forward"}]}, "must not be said in the en answer: 'Forward'"),
    ({"notices_contain": [{"en": "no such notice"}]}, "no en notice says"),
    ({"nothing_fits": True}, "nothing_fits should be said"),
    ({"lanes": {"fxh-forward": "financing"}}, "belongs to the lane financing"),
    ({"legal_notes": {"doc-encd": "2020-01-01"}}, "legal note dated 2020-01-01"),
    ({"relations": {"eci-financing": {"substitutes": ["exp-packing"]}}}, "substitutes should"),
    ({"questions": ["need.amount"]}, "should be among the next questions"),
    ({"refused": ["contradiction"]}, "should be refused"),
]


@pytest.mark.parametrize(
    ("expect", "message"), BROKEN, ids=[f"{n}: {m}" for n, (_, m) in enumerate(BROKEN)]
)
def test_a_case_can_fail(expect, message):
    assert any(message in fault for fault in faults({**SOUND, "expect": expect}))


def test_a_sound_case_passes_and_an_unknown_key_of_the_case_fails():
    sound = {**SOUND, "expect": {"eligible": ["eci-financing"]}}
    assert faults(sound) == []
    assert faults({**sound, "exepct": {}}) == ["unknown key in the case: exepct"]


def test_every_expectation_is_used_and_shown_to_fail():
    used = {key for param in read_cases() for key in param.values[0]["expect"]}
    assert used == set(EXPECTATIONS) | {"refused"}
    shown = {key for expect, _ in BROKEN for key in expect}
    assert set(EXPECTATIONS) - shown <= {"conditional", "near_miss"}


def test_titles_differ_and_every_case_tells_its_story():
    cases = [param.values[0] for param in read_cases()]
    assert len({case["title"] for case in cases}) == len(cases) >= 24
    assert all(len(case["story"].split()) >= 6 for case in cases)


def test_every_sample_and_every_product_is_spoken_of():
    cases = [param.values[0] for param in read_cases()]
    spoken = {case.get("sample") for case in cases}
    assert {path.stem for path in SAMPLES.glob("*.yaml")} <= spoken
    said = json.dumps([case["expect"] for case in cases], default=str)
    silent = [name for name in engine().catalogue.products if f'"{name}"' not in said]
    assert silent == []
