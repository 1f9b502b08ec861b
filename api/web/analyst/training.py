"""Training a model: what it learns from, and the job that does it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api import job_requests
from api.bodies import language_of
from api.decisions import asked
from api.errors import TooLarge
from api.registry_answers import Versions
from api.web import access, forms, pages
from api.web.analyst import registry
from api.web.analyst.uploads import too_large
from api.web.words import say
from recommender.catalogue.cells import number
from recommender.errors import InvalidInput

FLAGS = ("use_refusals", "without_withdrawn")
# What files are called inside a job; a browser may send any name.
ENDINGS = {"outcomes": ("csv", "jsonl"), "companies": ("jsonl", "csv")}
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/training", dependencies=[access.needs("start_job", "models")])
async def training(request: Request) -> Response:
    """What to learn from, and from where to start."""
    return await _page(request)


@router.post("/training", dependencies=[access.needs("start_job", "models")])
async def train(request: Request) -> Response:
    """Begin the job, and go to where its progress shows."""
    language = language_of(request)
    try:
        form = await forms.received(request)
    except TooLarge as error:
        size = await too_large(request, error)
        return await _page(request, 413, problems={"outcomes": [size]})
    files, parameters = await _files(form), _parameters(form)
    problems = _missing(form, files, language)
    if not problems:
        try:
            named = {kind: name for kind, (name, _) in files.items()}
            contents = dict(files.values())
            job_id = await job_requests.begun(request, "train", {**parameters, **named}, contents)
            return RedirectResponse(f"/jobs/{job_id}", 303)
        except InvalidInput as error:
            found = forms.beside(error, language)
            problems = {name.removeprefix("parameters."): said for name, said in found.items()}
    typed = {name: form.one(name) for name in ("source", "init", "half_life")}
    ticked = [name for name in FLAGS if form.one(name) == "yes"]
    return await _page(request, 422, problems=problems, typed=typed, ticked=ticked)


def _parameters(form: forms.Form) -> Json:
    found: Json = {name: True for name in FLAGS if form.one(name) == "yes"}
    if form.one("init") and form.one("init") != registry.expert().version:
        found["init"] = form.one("init")
    if form.one("half_life"):
        found["half_life"] = number(form.one("half_life"))
    return found


async def _files(form: forms.Form) -> dict[str, tuple[str, bytes]]:
    if form.one("source") != "files":
        return {}
    given = {kind: form.files[kind] for kind in ENDINGS if kind in form.files}
    return {kind: (_named(kind, file), await file.read()) for kind, file in given.items()}


def _named(kind: str, file: UploadFile) -> str:
    ending = (file.filename or "").rpartition(".")[2].lower()
    return f"{kind}.{ending if ending in ENDINGS[kind] else ENDINGS[kind][0]}"


def _missing(form: forms.Form, files: Json, language: Any) -> dict[str, list[str]]:
    if form.one("source") == "files" and "outcomes" not in files:
        return {"outcomes": [say(language, "Choose a file first.")]}
    return {}


async def _page(request: Request, status: int = 200, **context: Any) -> Response:
    known = await asked(request, _starts)
    typed = {"source": "record", "init": known[0], "half_life": ""}
    empty: Json = {"problems": {}, "typed": typed, "ticked": [], "starts": known}
    return await pages.shown(request, "analyst/training.html", status, **{**empty, **context})


def _starts(versions: Versions) -> list[str]:
    """Versions to start from: the expert weights first."""
    found = [e["version"] for e in versions.models()["models"] if e["kind"] != "broken"]
    return [registry.expert().version, *found]
