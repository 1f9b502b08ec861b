"""The questions that matter: one at a time, why it is asked, and the list as it moves."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.asking import recommended
from api.bodies import engine_of, language_of
from api.web import access, forms, pages
from api.web.enterprise import firm as firms
from api.web.enterprise.filled import number
from api.web.enterprise.live import POSSIBLE
from api.web.enterprise.results import kept
from api.web.enterprise.steps import STEPS
from recommender.errors import CorridorError, InvalidInput
from recommender.options import SHANGHAI, Options

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
READS = ("company_recommendations", "get_company", "run")
MOST_SKIPPED = 100
SHOWN = 5


class Place(NamedTuple):
    """A product in the list that moves. moved: places up (more than 0) or down; None: new."""

    name_zh: str
    name_en: str
    fit: str
    fit_before: str | None
    rank: int
    moved: int | None


@router.get("/questions", dependencies=[access.needs(*READS)])
async def question_page(request: Request) -> Response:
    """The first question that was not put off, and the list as it stands."""
    return await _page(request)


@router.post("/questions", dependencies=[access.needs(*READS, "put_company")])
async def answered(request: Request) -> Response:
    """An answer saved, or a question put off, and on to the next."""
    form = await forms.received(request)
    firm, name = await firms.chosen(request), form.one("fact")
    skipped = form.many("skipped")[:MOST_SKIPPED]
    if form.one("action") == "skip":
        return RedirectResponse(_next(form, [*skipped, name]), 303)
    fact = engine_of(request).catalogue.facts.get(name)
    day = datetime.datetime.now(SHANGHAI).date().isoformat()
    value = _value(form.one("answer"), "" if fact is None else fact.type)
    try:
        profile = firms.with_fact(firm.profile, name, value, day)
        engine_of(request).read(profile)
        claim = forms.claim(request, form, "answer")
        await firms.saved(request, firm, profile, form.one("etag"), claim)
    except InvalidInput as error:
        said = forms.beside(error, language_of(request))
        problems = {"answer": [s for sentences in said.values() for s in sentences]}
        return await _page(request, 422, form=form, problems=problems)
    return RedirectResponse(_next(form, skipped), 303)


def _next(form: forms.Form, skipped: Sequence[str]) -> str:
    pairs = (*(("skipped", name) for name in dict.fromkeys(skipped)), ("before", form.one("run")))
    return f"/questions?{forms.carried(tuple(pairs))}"


async def _page(
    request: Request,
    status: int = 200,
    form: forms.Form | None = None,
    problems: Mapping[str, list[str]] | None = None,
) -> Response:
    firm = await firms.own(request)
    if firm.id is None:
        return await pages.shown(request, "enterprise/no_company.html")
    skipped = form.many("skipped") if form else request.query_params.getlist("skipped")
    found = await recommended(request, firm.id, {"as_of": Options().day.isoformat()})
    before = await _before(request)
    language, engine = language_of(request), engine_of(request)
    asked = [q for q in found.answer["next_questions"] if q["fact"] not in skipped]
    wanted = form.one("fact") if form else None
    question = next((q for q in asked if q["fact"] == wanted), asked[0] if asked else None)
    facts = {fact["id"]: fact for fact in engine.facts(language)["facts"]}
    return await pages.shown(
        request,
        "enterprise/questions.html",
        status,
        firm=firm,
        run_id=found.run_id,
        question=question,
        fact=facts.get(question["fact"]) if question else None,
        step=_step(question["fact"]) if question else None,
        products=engine.catalogue.products,
        left=len(asked),
        skipped=skipped[:MOST_SKIPPED],
        lanes=[(lane["label"], _places(lane, before)) for lane in found.answer["lanes"]],
        compared=before is not None,
        gone=_gone(found.answer, before or {}),
        typed=form.one("answer") if form else "",
        problems=dict(problems or {}),
    )


async def _before(request: Request) -> dict[str, Json] | None:
    """The list that was shown before the last answer; None where there is none to compare with."""
    run_id = request.query_params.get("before")
    if not run_id:
        return None
    try:
        return (await kept(request, run_id)).matches
    except CorridorError:
        return None


def _places(lane: Json, before: Mapping[str, Json] | None) -> list[Place]:
    found = [match for match in lane["matches"] if _fits(match)][:SHOWN]
    return [_place(match, before) for match in found]


def _gone(answer: Json, before: Mapping[str, Json]) -> list[Json]:
    """What might have fitted before the last answer, and does not any more."""
    now = {m["product_id"] for lane in answer["lanes"] for m in lane["matches"] if _fits(m)}
    return [match for name, match in before.items() if _fits(match) and name not in now]


def _fits(match: Json) -> bool:
    """Whether a product may be had."""
    return match["fit"] in POSSIBLE


def _place(match: Json, before: Mapping[str, Json] | None) -> Place:
    was = (before or {}).get(match["product_id"])
    moved = 0 if before is None else None if was is None else was["rank"] - match["rank"]
    fit_before = was["fit"] if was is not None and was["fit"] != match["fit"] else None
    return Place(match["name_zh"], match["name_en"], match["fit"], fit_before, match["rank"], moved)


def _step(name: str) -> str | None:
    """The step of the profile that asks for a field; None for a question of the catalogue."""
    part = name.partition(".")[0]
    for step in STEPS:
        fields = {prefix + f.name for prefix, _, fields in step.parts for f in fields}
        tops = {field.partition(".")[0] for field in fields} | {
            row.at.partition(".")[0] for row in step.rows
        }
        if name in fields or (part in tops and name == part):
            return step.name
    return next((s.name for s in STEPS if any(r.at == name for r in s.rows)), None)


def _value(text: str, kind: str) -> Any:
    """An answer as the dictionary has it; what cannot be read stays, for the problem to name."""
    if kind == "flag":
        return {"yes": True, "no": False}.get(text, text)
    if kind == "number":
        found = number(text)
        return float(found) if isinstance(found, Decimal) else found
    return text
