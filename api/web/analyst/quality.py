"""How good a model is where it matters: reliability, groups, providers, drift, coverage."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api import job_requests
from api.bodies import engine_of, language_of
from api.decisions import asked
from api.identity.caller import caller_of
from api.policy import JOBS
from api.registry_answers import Versions
from api.store import jobs
from api.store.outcomes import counted
from api.web import access, forms, pages
from api.web.analyst import measures
from api.web.charts.drawing import Chart
from api.web.charts.intervals import Interval, intervals
from api.web.words import say
from recommender.codes import division_label
from recommender.errors import NotFound
from recommender.texts import Language, label, show, text

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/quality", dependencies=[access.needs("models", "jobs")])
async def quality(request: Request) -> Response:
    """The quality of the model that serves, or of another one."""
    language, caller = language_of(request), caller_of(request)
    found = await asked(request, _measured)
    version = request.query_params.get("model") or _default(found)
    if version is not None and version not in found["evaluations"]:
        raise NotFound(kind="model", id=version)
    rows = await request.app.state.store.reading(
        lambda c: (jobs.last_with(c, caller, "evaluate", "model", version), counted(c, caller))
    )
    last, counts = rows
    evaluation = found["evaluations"].get(version)
    at = None
    if last is not None:
        result = orjson.loads(last["result"])
        evaluation, at = result["evaluation"], last["ended_at"]
    moved = None if last is None else result.get("drift")
    products = engine_of(request).catalogue.products.values()
    unseen = [p for p in products if p.id not in counts]
    context = {
        "version": version, "names": list(found["evaluations"]), "evaluation": evaluation,
        "serving": found["serving"], "measured_at": at, "drift": moved, "unseen": unseen,
        "counts": counts, "products": len(products), "charts": _charts(evaluation, language),
        "groups": _groups(evaluation, language), "shown": lambda v: measures.shown(v, language),
        "may": caller.role in JOBS["evaluate"] and caller.scope == "write",
    }  # fmt: skip
    return await pages.shown(request, "analyst/quality.html", **context)


@router.post("/quality", dependencies=[access.needs("start_job", "models")])
async def measure(request: Request) -> Response:
    """Measure a model again, on the outcomes on record."""
    form = await forms.received(request)
    version = form.one("model")
    await asked(request, lambda versions: versions.registry.load(version))
    job_id = await job_requests.begun(request, "evaluate", {"model": version})
    return RedirectResponse(f"/jobs/{job_id}", 303)


def _measured(versions: Versions) -> Json:
    """What was measured of every model, newest first; None where nothing was."""
    listed = versions.models()
    sound = [entry["version"] for entry in listed["models"] if entry["kind"] != "broken"]
    found = {version: versions.registry.manifest(version).get("evaluation") for version in sound}
    return {"evaluations": found, "serving": listed["serving"]["model"]}


def _default(found: Json) -> str | None:
    """The model that serves, else the newest that was measured, else the newest."""
    known: Json = found["evaluations"]
    if found["serving"] in known:
        return str(found["serving"])
    return next((version for version, said in known.items() if said), next(iter(known), None))


def _charts(evaluation: Json | None, language: Language) -> dict[str, Chart]:
    found: dict[str, Chart] = {}
    if evaluation is None:
        return found
    found["peers"] = measures.beside_peers(evaluation, language)
    if evaluation["uptake"]:
        found["reliability"] = measures.reliable(evaluation["uptake"], language)
    sides = evaluation["concentration"]
    if sides:
        named = {
            "ours": text("card.peer.model", language),
            "shown": text("card.shown_value", language),
        }
        items = [
            Interval(named[name], side["low"], side["value"], side["high"],
                     measures.shown(side, language), "c-accent" if name == "ours" else "c-soft")
            for name, side in sides.items() if side
        ]  # fmt: skip
        title = text("card.concentration", language)
        head = (text("card.name", language), say(language, "Herfindahl index"))
        found["concentration"] = intervals(items, title, head)
    return found


def _groups(evaluation: Json | None, language: Language) -> list[Json]:
    """A line for each group of firms, and one for all that are too small to be shown."""
    found: list[Json] = []
    for name in dict.fromkeys(line["segment"] for line in (evaluation or {}).get("segments", ())):
        own = [line for line in (evaluation or {})["segments"] if line["segment"] == name]
        said = text(f"card.segment.{name}", language)
        found += [
            {"segment": said, "group": _group(name, line["group"], language), **_figures(line)}
            for line in own if not line["suppressed"]
        ]  # fmt: skip
        small = sum(line["suppressed"] for line in own)
        if small:
            words = text("card.suppressed", language, count=small)
            found.append({"segment": said, "group": words, "firms": None, "value": None,
                          "against": None})  # fmt: skip
    return found


def _figures(line: Json) -> Json:
    return {name: line[name] for name in ("firms", "value", "against")}


def _group(segment: str, group: str, language: Language) -> str:
    if group == "None":
        return text("common.unknown", language)
    if segment == "first_loan":
        return text("common.yes" if group == "True" else "common.no", language)
    if segment == "registered_province":
        return show(division_label(group), language)
    return show(label(f"{segment}.{group}"), language)
