"""Models: the one that serves and all others, their cards, two beside each other, and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api import job_requests
from api.bodies import language_of
from api.decisions import asked
from api.registry_answers import Versions
from api.web import access, forms, pages
from api.web.analyst import cards, measures, registry
from recommender.errors import InvalidInput, NotFound
from recommender.texts import Language

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/models", dependencies=[access.needs("models")])
async def models(request: Request) -> Response:
    """All models, the one that serves on top."""
    return await _list(request)


@router.get("/models/compare", dependencies=[access.needs("compare_models")])
async def compare(request: Request) -> Response:
    """Two models side by side."""
    a, b = (request.query_params.get(name, "") for name in "ab")
    listed, language = await asked(request, _listed), language_of(request)
    names = [entry["version"] for entry in listed["models"] if entry["kind"] != "broken"]
    if a not in names or b not in names:
        missing = next(name for name in (a, b) if name not in names)
        raise NotFound(kind="model", id=missing)
    found = await asked(request, lambda versions: versions.compared(a, b))
    own = [_own(found[side]["measures"]) for side in "ab"]
    beside = _beside(listed["models"], a, b)
    if beside is not None and None in own:
        # One was measured with the other beside it, on the same lists.
        own, found = beside, {**found, "same_test": True}
    sides = list(zip((a, b), own, strict=True))
    charts = [measures.side_by_side(sides, name, language) for name in measures.MEASURES]
    gap = _gap(listed["models"], a, b)
    context = {
        **found, "names": names, "charts": charts, "measured": [s[1] for s in sides], "gap": gap,
        "measures": measures.MEASURES, "shown": lambda v: measures.shown(v, language),
    }  # fmt: skip
    return await pages.shown(request, "analyst/compare.html", **context)


@router.post("/models/undo", dependencies=[access.needs("roll_back")])
async def undo(request: Request) -> Response:
    """Undo the last decision about a model or a catalogue."""
    refused = await registry.undone(request)
    if refused:
        return await _list(request, 422, **refused)
    return RedirectResponse("/models", 303)


@router.get("/models/{version}", dependencies=[access.needs("model")])
async def model(request: Request, version: str) -> Response:
    """One model with its card."""
    return await _model(request, version)


@router.post("/models/{version}/promote", dependencies=[access.needs("promote_model", "start_job")])
async def promote(request: Request, version: str) -> Response:
    """Have a model checked, and let it serve where nothing speaks against it or one insists.

    Every case is tried with it, which takes longer than a page: it is a job.
    """
    form = await forms.received(request)
    await asked(request, lambda versions: versions.registry.load(version))
    try:
        wish = registry.reason_of(form)
    except InvalidInput as error:
        problems = forms.beside(error, language_of(request))
        return await _model(request, version, 422, problems=problems, reason=form.one("reason"))
    parameters = {"model": version, "reason": wish.reason, "despite": wish.despite}
    job_id = await job_requests.begun(request, "promote", parameters)
    return RedirectResponse(f"/jobs/{job_id}", 303)


def _listed(versions: Versions) -> Json:
    """Models with what was measured of them, what serves, every step and the next to undo.

    The expert weights stand among the models as what everything is held against.
    """
    found = versions.models()
    expert = registry.expert().version
    entries = [{**entry, **_measured(versions, entry)} for entry in found["models"]]
    serving = found["serving"]["model"]
    own: Json = {"version": expert, "kind": "expert", "serving": serving is None, "kept_at": None}
    own |= {"synthetic": False, "prior": None, "catalogue_version": None, "events": None}
    entries.append({**own, "evaluation": None, "headline": None})
    entries.sort(key=lambda entry: not entry["serving"])
    return {**versions.now(), "models": entries}


def _measured(versions: Versions, entry: Mapping[str, Any]) -> Json:
    broken = entry["kind"] == "broken"
    found = None if broken else versions.registry.manifest(entry["version"]).get("evaluation")
    return {"evaluation": found, "headline": measures.headline(found)}


def _own(found: Json | None) -> Json | None:
    """The measures of a model itself, of all that were taken with it."""
    return None if found is None else found.get("model")


def _beside(listed: list[Json], a: str, b: str) -> list[Any] | None:
    """The measures of both from the evaluation of one that has the other beside it."""
    for ours, theirs in ((a, b), (b, a)):
        found = next((e["evaluation"] for e in listed if e["version"] == ours), None)
        if found is None or ours == theirs:
            continue
        name = "current" if found["current"] == theirs else None
        if theirs == registry.expert().version:
            name = "expert"
        other = found["measures"].get(name) if name else None
        if other is not None:
            pair = [found["measures"]["model"], other]
            return pair if ours == a else pair[::-1]
    return None


def _gap(listed: list[Json], a: str, b: str) -> Json | None:
    """The paired difference of one to the other, where one was trained while the other served."""
    for ours, theirs in ((a, b), (b, a)):
        found = next((e["evaluation"] for e in listed if e["version"] == ours), None) or {}
        if found.get("current") == theirs:
            against = found["against"].get("current") or found["against"].get("expert")
            if against:
                return {"ours": ours, "theirs": theirs, **against[measures.HEADLINE]}
    return None


async def _list(request: Request, status: int = 200, **context: Any) -> Response:
    listed, language = await asked(request, _listed), language_of(request)
    empty: Json = {"undo_problems": {}, "reason": "", "may": registry.may(request, "promote_model")}
    said = {"shown": lambda v: measures.shown(v, language), "peer": _peer(language)}
    return await pages.shown(
        request, "analyst/models.html", status, **{**empty, **listed, **said, **context}
    )


async def _model(request: Request, version: str, status: int = 200, **context: Any) -> Response:
    language = language_of(request)
    listed = await asked(request, _listed)
    if version == registry.expert().version:
        found: Json = {**listed["models"][-1], "weights": dict(registry.expert().weights)}
        found = {**found, "manifest": {}, "card": {}}
        found["serving"] = listed["serving"]["model"] is None
    else:
        found = await asked(request, lambda versions: versions.model(version))
    evaluation = found["manifest"].get("evaluation")
    card = list(cards.blocks(found["card"].get(language) or ""))
    charts = [measures.beside_peers(evaluation, language)] if evaluation else []
    if evaluation and evaluation["uptake"]:
        charts.append(measures.reliable(evaluation["uptake"], language))
    champion = next(e["version"] for e in listed["models"] if e["serving"])
    whole = {
        "model": found, "card": card, "charts": charts, "champion": champion,
        "problems": {}, "reason": "", "headline": measures.headline(evaluation),
        "may": registry.may(request, "promote_model"), "peer": _peer(language),
        "shown": lambda v: measures.shown(v, language), **context,
    }  # fmt: skip
    return await pages.shown(request, "analyst/model.html", status, **whole)


def _peer(language: Language) -> Any:
    return lambda name: measures.name_of(name, language)
