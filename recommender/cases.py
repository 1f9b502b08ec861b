"""Cases a banker can read: situations with what the engine must say, and whether it does.

What is wrong comes back in English, for the people who write cases and code; models are held
against the same cases before they serve.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from recommender.engine import Engine
from recommender.errors import InvalidProfile
from recommender.records import day_of
from recommender.tables import data_dir, read_document

SAMPLES = "samples"
NOT_SITUATIONS = {"formulas.yaml"}  # figures, tested on their own
CASE_KEYS = {"title", "story", "company", "sample", "set", "rates", "as_of", "expect"}
FITS = ("eligible", "conditional", "near_miss", "ineligible")
LANGUAGES = ("zh", "en")

Case = dict[str, Any]
Answers = dict[str, dict[str, Any]]
Faults = Iterator[str]


def read_cases(folder: Path) -> list[tuple[str, Case]]:
    """Every case of a folder with the name of its file."""
    files = [path for path in sorted(folder.glob("*.yaml")) if path.name not in NOT_SITUATIONS]
    return [(path.stem, case) for path in files for case in read_document(path)]


def cases_folder() -> Path | None:
    """The cases beside a checkout; None where the project is installed without them."""
    folder = data_dir().parent / "tests" / "cases"
    return folder if folder.is_dir() else None


def failing(engine: Engine, folder: Path) -> tuple[list[str], int]:
    """Titles of the cases in which an engine does not say what it should, and how many there are.

    Raises UnreadableFile.
    """
    cases = read_cases(folder)
    return [case["title"] for _, case in cases if faults(engine, case)], len(cases)


def profile_of(case: Case) -> Any:
    """The profile a case speaks of: its own or a sample, with its changes set."""
    sample = case.get("sample")
    raw = read_document(data_dir() / SAMPLES / f"{sample}.yaml") if sample else case["company"]
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
    """Options under which a case is answered."""
    chosen = {
        "as_of": case["as_of"],
        "include_ineligible": True,
        "language": language,
        "limit": 1000,
    }
    return chosen | ({"rates": case["rates"]} if "rates" in case else {})


def answers_to(engine: Engine, case: Case) -> Answers:
    """The answers to a case in both languages. Raises InvalidProfile."""
    company = engine.read(profile_of(case), day_of(case["as_of"]))
    return {
        language: engine.recommend(company, **options_of(case, language)) for language in LANGUAGES
    }


def matches(answers: Answers, language: str = "en") -> dict[str, dict[str, Any]]:
    """Matches of an answer by product."""
    lanes = answers[language]["lanes"]
    return {match["product_id"]: match for lane in lanes for match in lane["matches"]}


def why(match: dict[str, Any]) -> str:
    """What the engine says about a product, for a message."""
    said = [f"blocked: {line['text']}" for line in match["blockers"]]
    said += [f"open: {line['field']}" for line in match["unknowns"]]
    return "; ".join(said) or "no blockers, nothing open"


def is_fit(fit: str) -> Callable[[Any, Answers], Faults]:
    """Products that must have a fit."""

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
    """Products that must not be offered."""
    found = matches(answers)
    for name in wanted:
        if found[name]["fit"] in ("eligible", "conditional"):
            yield f"{name} must not be offered here, is {found[name]['fit']}"


def first(wanted: dict[str, str], answers: Answers) -> Faults:
    """The product that leads each lane."""
    for lane in answers["en"]["lanes"]:
        leader = lane["matches"][0]["product_id"]
        if lane["lane"] in wanted and leader != wanted[lane["lane"]]:
            yield f"{wanted[lane['lane']]} should lead {lane['lane']}, {leader} does"


def above(wanted: list[list[str]], answers: Answers) -> Faults:
    """Pairs of products in their order."""
    found = matches(answers)
    for better, worse in wanted:
        if found[better]["lane"] != found[worse]["lane"]:
            yield f"{better} and {worse} stand in different lanes and are not compared"
        elif found[better]["rank"] >= found[worse]["rank"]:
            yield f"{better} should stand above {worse}"


def amounts(wanted: dict[str, dict[str, Any]], answers: Answers) -> Faults:
    """Parts of indicative amounts."""
    for name, expected in wanted.items():
        amount = matches(answers)[name]["indicative_amount"]
        for part, value in expected.items():
            if amount[part] != value:
                yield f"{name}: amount {part} should be {value}, is {amount[part]}"


def derived(wanted: dict[str, Any], answers: Answers) -> Faults:
    """Computed figures."""
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
    """Whether a change is the one that is wanted."""
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
    """What must be said somewhere."""
    for fragments in wanted:
        for language, fragment in fragments.items():
            if fragment not in json.dumps(answers[language], ensure_ascii=False):
                yield f"nowhere in the {language} answer: {fragment!r}"


def unsaid(wanted: list[dict[str, str]], answers: Answers) -> Faults:
    """What must not be said anywhere."""
    for fragments in wanted:
        for language, fragment in fragments.items():
            if fragment.casefold() in json.dumps(answers[language], ensure_ascii=False).casefold():
                yield f"must not be said in the {language} answer: {fragment!r}"


def notices_contain(wanted: list[dict[str, str]], answers: Answers) -> Faults:
    """What a notice must say."""
    for fragments in wanted:
        for language, fragment in fragments.items():
            if not any(fragment in notice for notice in answers[language]["notices"]):
                yield f"no {language} notice says {fragment!r}"


def nothing_fits(wanted: bool, answers: Answers) -> Faults:
    """Whether it is said that nothing fits."""
    for language in LANGUAGES:
        said = answers[language]["nothing_fits"]
        if (said is not None) != wanted:
            yield f"nothing_fits should be {'said' if wanted else 'silent'}; {language}: {said}"


def lanes(wanted: dict[str, str], answers: Answers) -> Faults:
    """Lanes of products."""
    for name, lane in wanted.items():
        if matches(answers)[name]["lane"] != lane:
            yield f"{name} belongs to the lane {lane}"


def legal_notes(wanted: dict[str, Any], answers: Answers) -> Faults:
    """Days of legal notes."""
    for name, day in wanted.items():
        note = matches(answers)[name]["legal_note"]
        if note is None or note["as_of"] != str(day):
            yield f"{name} should carry a legal note dated {day}"


def relations(wanted: dict[str, dict[str, list[str]]], answers: Answers) -> Faults:
    """Products named as related."""
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
    """Questions that must be asked next."""
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


def misread(engine: Engine, case: Case) -> Faults:
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
    for name in named_products(expect, set(engine.catalogue.products)):
        yield f"no such product: {name}"


def refusals(engine: Engine, case: Case, wanted: list[str]) -> Faults:
    """Problems with which a profile must be refused."""
    try:
        answers_to(engine, case)
    except InvalidProfile as error:
        seen = {problem.code for problem in error.problems}
        missing = [code for code in wanted if code not in seen]
        yield from (f"{code} should be said; said are {sorted(seen)}" for code in missing)
    else:
        yield f"the profile should be refused with {wanted}, and was read"


def faults(engine: Engine, case: Case) -> list[str]:
    """Everything that is not as the case expects it."""
    wrong = list(misread(engine, case))
    if wrong:
        return wrong
    expect = case["expect"]
    if "refused" in expect:
        return list(refusals(engine, case, expect["refused"]))
    answers = answers_to(engine, case)
    return [fault for key, wanted in expect.items() for fault in EXPECTATIONS[key](wanted, answers)]
