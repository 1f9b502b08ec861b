"""The profile in five steps: each saved as a version of the company, left and resumed at will."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.bodies import engine_of, language_of
from api.errors import InvalidRequest, NoRoute, status_of
from api.policy import PURPOSES
from api.refusals import Stale, UsccTaken, UsccTakenUnseen
from api.web import access, forms, pages
from api.web.charts.corridor import WAYS, corridor
from api.web.enterprise import firm as firms
from api.web.enterprise.filled import MOST_ROWS, merged, shown
from api.web.enterprise.live import live
from api.web.enterprise.steps import (
    BY_NAME,
    STEPS,
    Step,
    at,
    filled,
    label_of,
    listed,
    options,
    unit_of,
)
from api.web.forms import Form
from api.web.words import say
from recommender import Company, codes
from recommender.codes.goods_search import goods_label
from recommender.company.profile import Trade
from recommender.errors import CorridorError, InvalidInput, InvalidProfile
from recommender.texts import Language, error_text, show

router = APIRouter(include_in_schema=False)
WRITES = ("recommend", "get_company", "put_company", "give_consent", "withdraw_consent")
LATER = ("add", "look")
Json = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What a step shows: a profile, saved or typed; etag: of the version it was typed over.

    agreed: purposes ticked, None as they are on record. extra: empty rows.
    """

    profile: Json
    etag: str
    agreed: frozenset[str] | None = None
    problems: Mapping[str, list[str]] = field(default_factory=dict)
    extra: int = 1
    saved: bool = False
    stale: bool = False


@router.get("/profile", dependencies=[access.needs(*WRITES)])
async def resumed(request: Request) -> Response:
    """The first step that says nothing yet; the first of all once all say something."""
    firm = await firms.own(request)
    name = next((s.name for s in STEPS if not filled(s, firm.profile)), STEPS[0].name)
    return RedirectResponse(f"/profile/{name}", 303)


@router.get("/profile/{step}", dependencies=[access.needs(*WRITES)])
async def step_page(request: Request, step: str) -> Response:
    """A step as it was left."""
    asked, firm = _step(step), await firms.own(request)
    entry = Entry(firm.profile, firm.etag, saved=request.query_params.get("saved") == "1")
    return await _page(request, asked, firm, entry)


@router.post("/profile/{step}", dependencies=[access.needs(*WRITES)])
async def step_sent(request: Request, step: str) -> Response:
    """A step saved, and on to the next; or looked at again with what was typed, unsaved."""
    asked, form = _step(step), await forms.received(request)
    firm = await firms.own(request)
    raw = _routed(merged(firm.profile, asked, form), asked, form)
    action = form.one("action") or "save"
    if action == "live":
        return _live(request, asked, raw)
    agreed = frozenset(form.many("agreed")) if asked.name == "who" else None
    entry = Entry(raw, form.one("etag"), agreed)
    if action.startswith(LATER):
        problems = _problems(request, asked, raw) if action == "look" else {}
        return await _page(request, asked, firm, replace(entry, problems=problems, extra=3))
    try:
        engine_of(request).read(raw)
        claim = forms.claim(request, form, "profile")
        await firms.saved(request, firm, raw, entry.etag, claim, agreed)
    except (InvalidInput, Stale, UsccTaken, UsccTakenUnseen) as error:
        return await _refused(request, asked, firm, entry, error)
    return RedirectResponse(_next(asked, action), 303)


async def _refused(
    request: Request, step: Step, firm: firms.Firm, entry: Entry, error: CorridorError
) -> Response:
    """The step with what was typed, and why it was not saved."""
    language = language_of(request)
    if isinstance(error, InvalidInput):
        problems = forms.beside(error, language, _labels(step, language))
    else:
        place = "" if isinstance(error, Stale) else "uscc"
        problems = {place: [error_text(error, language)]}
    if isinstance(error, Stale):
        entry = replace(entry, etag=firm.etag, stale=True)
    return await _page(request, step, firm, replace(entry, problems=problems), status_of(error))


def _step(name: str) -> Step:
    if name not in BY_NAME:
        raise NoRoute(path=f"/profile/{name}"[:100])
    return BY_NAME[name]


def _next(step: Step, action: str) -> str:
    if action == "stay":
        return f"/profile/{step.name}?saved=1"
    place = STEPS.index(step) + 1
    return f"/profile/{STEPS[place].name}?saved=1" if place < len(STEPS) else "/questions"


def _routed(raw: Json, step: Step, form: Form) -> Json:
    """The profile with the routes that were picked on the drawing behind those that were typed."""
    if step.name != "trade":
        return raw
    known = {way.key: way for way in WAYS}
    picked = [known[key] for key in form.many("way") if key in known]
    ways = [{"mode": way.mode, "legs": list(way.legs)} for way in picked]
    if ways:
        trade = raw.setdefault("trade", {})
        trade["routes"] = [*(trade.get("routes") or ()), *ways]
    return raw


def _problems(request: Request, step: Step, raw: Json) -> dict[str, list[str]]:
    try:
        engine_of(request).read(raw)
    except InvalidProfile as error:
        language = language_of(request)
        return forms.beside(error, language, _labels(step, language))
    return {}


def _live(request: Request, step: Step, raw: Json) -> Response:
    """The figures beside the form as HTML, and what is wrong by field, for the page's script."""
    language, engine = language_of(request), engine_of(request)
    company, problems = Company.examine(raw)
    template = pages.environment(language).get_template("enterprise/figures.html")
    found = live(engine, company, language) if company and not problems else None
    beside = forms.beside(InvalidRequest(problems), language, _labels(step, language))
    html = template.render(live=found, language=language)
    return JSONResponse({"html": html, "problems": beside}, headers=pages.HEADERS)


async def _page(
    request: Request, step: Step, firm: firms.Firm, entry: Entry, status: int = 200
) -> Response:
    language, engine = language_of(request), engine_of(request)
    profile, ways = entry.profile, {way.key for way in WAYS}
    picked = [key for key in _keys(profile) if key in ways]
    company, wrong = Company.examine(profile)
    figures = live(engine, company, language) if company and not wrong else None
    return await pages.shown(
        request,
        "enterprise/profile.html",
        status,
        step=step,
        steps=[(s, filled(s, profile)) for s in STEPS],
        number=STEPS.index(step) + 1,
        firm=firm,
        etag=entry.etag,
        values=shown(_without_ways(profile, picked), step, entry.extra),
        problems=entry.problems,
        label_rows={rows.at: _label_rows(rows.at, language) for rows in step.rows},
        lists=_lists(step),
        words=lambda model, name: label_of(model, name, language),
        unit=unit_of,
        choices=lambda source: options(source, engine, language),
        picked=picked,
        ways=[(way, _way(way.mode, way.legs, language)) for way in WAYS],
        drawing=_drawing(picked, language),
        goods=lambda code: show(goods_label(code), language),
        live=figures,
        advances={f["figure"]: f for f in figures.derived["terms"]} if figures else {},
        purposes=PURPOSES,
        agreed=firm.agreed if entry.agreed is None else entry.agreed,
        saved=entry.saved,
        stale=entry.stale,
    )


def _keys(profile: Json) -> list[str]:
    routes = at(profile, "trade.routes") or ()
    return [" ".join((str(r.get("mode")), *map(str, r.get("legs") or ()))) for r in routes]


def _without_ways(profile: Json, picked: list[str]) -> Json:
    """The profile with those routes alone that the drawing does not have."""
    if not picked:
        return profile
    trade = dict(profile["trade"])
    left = [r for r, key in zip(trade["routes"], _keys(profile), strict=True) if key not in picked]
    trade["routes"] = left or None
    return {**profile, "trade": trade}


def _way(mode: str, legs: tuple[str, ...], language: Language) -> str:
    words = {code: show(codes.locode_label(code), language) for code in legs}
    names = dict(listed("mode", language))
    return f"{names[mode]}{pages.MARKS[language]['colon']}{' → '.join(words[leg] for leg in legs)}"


def _drawing(picked: list[str], language: Language) -> Any:
    title = say(language, "Routes of the corridor")
    desc = say(language, "A schematic of the routes; the same routes stand in the list beside it.")
    return corridor(picked, lambda code: show(codes.locode_label(code), language), title, desc)


def _label_rows(path: str, language: Language) -> str:
    model = Trade if path.startswith("trade.") else Company
    return label_of(model, path.rpartition(".")[2], language)


def _lists(step: Step) -> set[str]:
    """The lists of codes that the inputs of a step offer."""
    asked = [f for _, _, fields in step.parts for f in fields]
    return {f.source for f in [*asked, *(f for r in step.rows for f in r.fields)]}


def _labels(step: Step, language: Language) -> dict[str, str]:
    """The names of the fields of a step, for the list of problems."""
    found = {
        prefix + asked.name: label_of(model, asked.name, language)
        for prefix, model, fields in step.parts
        for asked in fields
    }
    for rows in step.rows:
        for asked in rows.fields:
            for index in range(MOST_ROWS):
                name = f"{rows.at}[{index}].{asked.name}"
                found[name] = f"{index + 1}. {label_of(rows.model, asked.name, language)}"
    return found
