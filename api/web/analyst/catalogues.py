"""Catalogues: which serves, one to check and keep, what it changes, and the decision to use it."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import PurePath
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import language_of
from api.decisions import asked, decided
from api.errors import NoRoute, TooLarge
from api.identity.caller import caller_of
from api.store import jobs
from api.web import access, forms, pages
from api.web.analyst import problem_tables, registry
from api.web.analyst.uploads import too_large
from api.web.words import say
from recommender.errors import InvalidInput, NotFound
from recommender.options import Options
from recommender.registry.catalogues import PACKAGED
from recommender.registry.impact import sample_companies
from recommender.texts import Language

UPLOADS = "api.jobs.catalogues:uploads"
DIFFERENCE = "api.jobs.catalogues:difference"
EXPORTED = "api.jobs.catalogues:exported"
MOST_PROBLEMS, FIRST = 100_000, 50
REMEMBERED = 32
FORMATS = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
           "yaml": "application/yaml", "json": "application/json"}  # fmt: skip
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
_compared: OrderedDict[tuple[str, str, str, Language], Json] = OrderedDict()


@router.get("/catalogues", dependencies=[access.needs("catalogues")])
async def catalogues(request: Request) -> Response:
    """Versions in time, and the way to a new one."""
    return await _page(request)


@router.post("/catalogues", dependencies=[access.needs("add_catalogue")])
async def upload(request: Request) -> Response:
    """Check a file and keep it as a version, or say what is wrong where it stands."""
    language = language_of(request)
    try:
        form = await forms.received(request)
    except TooLarge as error:
        size = await too_large(request, error)
        return await _page(request, 413, problems={"file": [size]})
    files = [(_name(f.filename), await f.read()) for k, f in form.uploads if k == "file"]
    if not files:
        return await _page(request, 422, problems={"file": [say(language, "Choose a file first.")]})
    if len({name for name, _ in files}) < len(files):
        twice = say(language, "Two of the files have the same name.")
        return await _page(request, 422, problems={"file": [twice]})
    state = request.app.state
    patient = state.settings.model_copy(update={"problems_shown": MOST_PROBLEMS})
    counts, content = await state.checks.run(UPLOADS, patient, files)
    if counts is None:
        return await _wrong(request, [name for name, _ in files], content)
    kept = await asked(request, lambda versions: versions.kept(counts, content))
    return RedirectResponse(f"/catalogues/{kept['version']}", 303)


@router.post("/catalogues/undo", dependencies=[access.needs("roll_back")])
async def undo(request: Request) -> Response:
    """Undo the last decision about a catalogue or a model."""
    refused = await registry.undone(request)
    if refused:
        return await _page(request, 422, **refused)
    return RedirectResponse("/catalogues", 303)


@router.get("/catalogues/{version}", dependencies=[access.needs("compare_catalogues")])
async def catalogue(request: Request, version: str) -> Response:
    """One version: what it changes and for whom, and what is in it."""
    return await _version_page(request, version)


@router.post("/catalogues/{version}/use", dependencies=[access.needs("use_catalogue")])
async def use(request: Request, version: str) -> Response:
    """Let a version serve."""
    form = await forms.received(request)
    try:
        reason = registry.reason_of(form).reason
    except InvalidInput as error:
        problems = forms.beside(error, language_of(request))
        typed = form.one("reason")
        return await _version_page(request, version, 422, use_problems=problems, reason=typed)
    await decided(request, lambda versions: versions.use(version, reason))
    return RedirectResponse("/catalogues", 303)


@router.get("/catalogues/{version}/file.{ending}", dependencies=[access.needs("catalogues")])
async def download(request: Request, version: str, ending: str) -> Response:
    """A version as a file, to be edited and uploaded again."""
    if ending not in FORMATS:
        raise NoRoute(path=request.url.path[:100])
    state, own = request.app.state, caller_of(request).organisation_id
    found, _ = await state.checks.run(EXPORTED, state.settings, own, version, f".{ending}")
    if found is None:
        raise NotFound(kind="catalogue", id=version)
    name = f'attachment; filename="catalogue-{version}.{ending}"'
    return Response(found, headers={"Content-Disposition": name}, media_type=FORMATS[ending])


async def difference(request: Request, old: str, new: str) -> Json:
    """What changed between two versions that the caller was found to see; raises NotFound.

    A version never changes, so what was found is kept for the day.
    """
    language = language_of(request)
    key = (old, new, Options().day.isoformat(), language)
    if key not in _compared:
        state, own = request.app.state, caller_of(request).organisation_id
        found, _ = await state.checks.run(DIFFERENCE, state.settings, own, (old, new), language)
        if found is None:
            raise NotFound(kind="catalogue", id=new)
        _compared[key] = found
        while len(_compared) > REMEMBERED:
            _compared.popitem(last=False)
    return _compared[key]


def named_samples(found: Json, language: Language) -> Json:
    """The effect on the sample companies, by company, with the names people know."""
    samples = sample_companies()
    groups: dict[str, list[Json]] = {}
    for change in found["samples"]["changes"]:
        groups.setdefault(change["company"], []).append(change)
    named = [(called(samples.get(name, {}), name, language), rows) for name, rows in groups.items()]
    return {**found["samples"], "groups": named}


def called(profile: Json, name: str, language: Language) -> str:
    """The name of a sample company, else that of its file."""
    own = profile.get(f"name_{language}") or profile.get("name_zh") or profile.get("name")
    return str(own or name.replace("_", " "))


def _name(given: str | None) -> str:
    """The name of an uploaded file without folders, as a name for a file of our own."""
    name = PurePath((given or "").replace("\\", "/")).name
    plain = "".join(c for c in name if c.isprintable())[-100:].lstrip(".")
    return plain or "catalogue"


async def _wrong(request: Request, names: list[str], bodies: Json) -> Response:
    """The first problems on the page, and all of them in a file that is kept with the attempt."""
    body, caller = registry.told(bodies, request), caller_of(request)
    found, job_id = body["errors"], None
    if found:
        table = problem_tables.csv_of(bodies)
        short = {name: {**one, "errors": one["errors"][:FIRST]} for name, one in bodies.items()}
        job_id = await request.app.state.store.writing(
            lambda write: jobs.refused(
                write, caller, "catalogue", {"file": names[0]}, {"error": short},
                {problem_tables.NAME: table},
            )
        )  # fmt: skip
    detail = say(language_of(request), "Problems: %(n)s. Nothing was saved.", n=len(found))
    context = {
        "problems": {"file": [detail if found else body["detail"]]},
        "found": found[:FIRST],
        "total": len(found),
        "all_of_them": f"/jobs/{job_id}/files/{problem_tables.NAME}" if job_id else None,
        "names": names,
    }
    return await _page(request, int(body["status"]), **context)


async def _page(request: Request, status: int = 200, **context: Any) -> Response:
    empty: Json = {"problems": {}, "undo_problems": {}, "found": [], "total": 0}
    empty |= {"all_of_them": None, "names": [], "reason": "", "most": _most(request)}
    listed = await asked(request, registry.entries)
    allowed = registry.may(request, "add_catalogue")
    whole = {**empty, **listed, "may": allowed, **context}
    return await pages.shown(request, "analyst/catalogues.html", status, **whole)


def _most(request: Request) -> int:
    limit: int = request.app.state.settings.max_upload
    return limit


async def _version_page(
    request: Request, version: str, status: int = 200, **context: Any
) -> Response:
    listed = await asked(request, registry.entries)
    found = await registry.catalogue_of(request, version)
    entry = next(e for e in listed["catalogues"] if e["version"] == found.version)
    serving = next(e["version"] for e in listed["catalogues"] if e["serving"])
    against = request.query_params.get("against") or serving
    known = {e["version"] for e in listed["catalogues"] if e["kind"] != "broken"}
    if against not in known:
        raise NotFound(kind="catalogue", id=against)
    changes = None
    if against != found.version:
        changes = await difference(request, against, found.version)
    whole = {
        **listed,
        "entry": entry,
        "catalogue": found,
        "against": against,
        "serving_version": serving,
        "changes": changes,
        "samples": changes and named_samples(changes, language_of(request)),
        "may": registry.may(request, "use_catalogue"),
        "use_problems": {},
        "reason": "",
        "packaged": PACKAGED,
        **context,
    }
    return await pages.shown(request, "analyst/catalogue.html", status, **whole)
