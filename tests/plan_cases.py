"""Cases of plans: situations in tests/cases/plans/*.yaml with what a plan must say."""

from __future__ import annotations

import json
from pathlib import Path

from recommender.cases import profile_of
from recommender.errors import InvalidOptions, InvalidProfile
from recommender.tables import read_document

FOLDER = Path(__file__).parent / "cases" / "plans"
KEYS = {"title", "story", "company", "sample", "set", "as_of", "options", "expect"}


def read():
    """Every case with the name of its file."""
    return [(p.stem, case) for p in sorted(FOLDER.glob("*.yaml")) for case in read_document(p)]


def answers(planner, case):
    """The answer in both languages."""
    company = planner.engine.read(profile_of(case))
    options = {"as_of": str(case["as_of"]), **case.get("options", {})}
    return {lang: planner.plan(company, **options, language=lang) for lang in ("zh", "en")}


def near(wanted, found):
    """The same, money to the cent."""
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        return isinstance(found, (int, float)) and abs(wanted - found) < 0.005
    return wanted == found


def parts(name, wanted, found):
    """What is not as wanted in a record, by dotted name."""
    for key, value in wanted.items():
        inner = found
        for step in key.split("."):
            inner = inner.get(step) if isinstance(inner, dict) else None
        if not near(value, inner):
            yield f"{name}: {key} should be {value}, is {inner}"


def keyed(wanted, found, what):
    """Records by product or place that must be there."""
    for name, expected in wanted.items():
        if name not in found:
            yield f"{what} {name} should be there; there are {sorted(found)}"
        else:
            yield from parts(f"{what} {name}", expected or {}, found[name])


def plan_faults(expect, plan):
    """What is not as expected in one plan."""
    lines = {line["product_id"]: line for line in plan["lines"]}
    hedges = {h["product_id"]: h for h in plan["hedges"]}
    arranged = {a["product_id"]: a for a in plan["arranged"]}
    spots = {f"{p['currency']} {p['bucket']}": p for p in plan["positions"]}
    yield from parts("money", expect.get("money", {}), plan["money"])
    yield from keyed(expect.get("lines", {}), lines, "line")
    yield from keyed(expect.get("hedges", {}), hedges, "hedge")
    yield from keyed(expect.get("arranged", {}), arranged, "arranged")
    yield from keyed(expect.get("positions", {}), spots, "position")
    yield from parts("plan", expect.get("plan", {}), plan)
    used = {*lines, *hedges, *arranged}
    yield from (f"{n} must not be used" for n in expect.get("without", ()) if n in used)
    if "only" in expect and set(lines) != set(expect["only"]):
        yield f"lines should be {expect['only']}, are {sorted(lines)}"
    for name, kinds in expect.get("secured_by", {}).items():
        held = [cover["type"] for cover in lines[name]["secured_by"]] if name in lines else None
        if held != kinds:
            yield f"{name} should be secured by {kinds}, is by {held}"
    papers = [paper["id"] for paper in plan["papers"]]
    yield from (
        f"paper {n} should be asked for" for n in expect.get("papers", ()) if n not in papers
    )
    for place, covered in expect.get("falls_to", {}).items():
        falls = {fall["place"]: fall["covered_cny"] for fall in plan["hangs_on"]}
        if not near(covered, falls.get(place)):
            yield f"without {place} it should fall to {covered}, falls are {falls}"
    if "over_time" in expect:
        found = [[s["from"], s["to"], s["need"], s["covered"]] for s in plan["cover_over_time"]]
        wanted = [[str(a), str(b), c, d] for a, b, c, d in expect["over_time"]]
        if found != wanted:
            yield f"cover over time should be {wanted}, is {found}"


def faults(planner, case):
    """Everything that is not as the case expects it."""
    odd = sorted(set(case) - KEYS)
    if odd:
        return [f"unknown keys in the case: {odd}"]
    expect = case["expect"]
    if "refused" in expect:
        try:
            answers(planner, case)
        except (InvalidOptions, InvalidProfile) as error:
            seen = {problem.code for problem in error.problems}
            return [
                f"{c} should be said; said are {seen}" for c in expect["refused"] if c not in seen
            ]
        return ["should be refused"]
    found = answers(planner, case)
    wrong = []
    if "count" in expect and len(found["en"]["plans"]) != expect["count"]:
        wrong.append(f"{expect['count']} plans expected, {len(found['en']['plans'])} made")
    if found["en"]["plans"]:
        wrong += plan_faults(expect, found["en"]["plans"][0])
    elif {"money", "lines", "hedges"} & set(expect):
        wrong.append("no plan was made")
    for lang, answer in found.items():
        said = json.dumps(answer, ensure_ascii=False)
        wrong += [
            f"nowhere in {lang}: {text[lang]!r}"
            for text in expect.get("says", ())
            if lang in text and text[lang] not in said
        ]
        wrong += [
            f"must not be said in {lang}: {text[lang]!r}"
            for text in expect.get("unsaid", ())
            if lang in text and text[lang] in said
        ]
    return wrong
