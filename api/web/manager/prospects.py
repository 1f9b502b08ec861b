"""Prospects: which product, then whom to call about it, and the list as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import engine_of, language_of, stated_list
from api.identity.caller import caller_of, permit
from api.job_answers import described, rows_of
from api.policy import JOBS, Caller
from api.prospect_lists import Ranked, own_population, ranked
from api.refusals import NotAllowed
from api.store import contacts, jobs
from api.store import runs as kept_runs
from api.web import access, forms, pages
from api.web.manager import prospect_query
from api.web.manager.rights import may
from recommender import Engine
from recommender.errors import NotFound
from recommender.prospects.options import MOST, ProspectOptions
from recommender.prospects.tables import as_csv, as_workbook
from recommender.texts import Language
from recommender.vocabulary import LANES

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
COOKIE = "prospects"
BUILD = "population"
JOBS_LOOKED_AT = 50
FILES = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@router.get("/prospects", dependencies=[access.needs("prospects", "products")])
async def pick(request: Request) -> Response:
    """The products by lane, those looked at last first."""
    engine, caller = engine_of(request), caller_of(request)
    store = request.app.state.store
    last = await store.reading(lambda c: kept_runs.last_lists(c, caller, 5))
    products = engine.catalogue.products
    seen = [products[row["product_id"]] for row in last if row["product_id"] in products]
    return await pages.shown(
        request, "manager/products.html", lanes=_by_lane(engine), seen=seen,
        building=await _building(request, caller),
    )  # fmt: skip


@router.post("/prospects/population", dependencies=[access.needs("start_job")])
async def build(request: Request) -> Response:
    """Ask for a population; whoever may is asked for one at a time."""
    await forms.received(request)
    caller = caller_of(request)
    if caller.role not in JOBS[BUILD]:
        raise NotAllowed(role=caller.role, operation=BUILD)
    found = await _building(request, caller)
    if found["job"] is None or found["job"]["status"] not in jobs.OPEN:
        await request.app.state.store.writing(
            lambda write: jobs.add(write, caller, BUILD, {}, waits=False)
        )
        request.app.state.wake()
    return RedirectResponse("/prospects", 303)


@router.get("/prospects/{product_id}", dependencies=[access.needs("prospects", "product")])
async def listed(request: Request, product_id: str) -> Response:
    """The companies to call about a product."""
    language, engine = language_of(request), engine_of(request)
    product = engine.catalogue.product(product_id)
    kept = prospect_query.remembered(request.cookies.get(COOKIE))
    if kept and not request.url.query:
        return RedirectResponse(f"/prospects/{product_id}?{kept}", 303)
    query = prospect_query.read(request.query_params, language)
    caller = caller_of(request)
    building = await _building(request, caller)
    problems: Mapping[str, list[str]] = {}
    answer: Json | None = None
    if query.error is not None:
        problems = forms.beside(query.error, language, prospect_query.labels(language))
    elif building["there"] and query.options is not None:
        answer, problems = await _asked(request, product_id, query)
    page = await pages.shown(
        request, "manager/prospects.html", 200 if not problems else 422,
        product=product, query=query, answer=answer, problems=problems, building=building,
        chips=prospect_query.chips(query, language),
        choices=prospect_query.choices(language), labels=prospect_query.labels(language),
        last=await _last_contacts(request, answer),
        can_contact=may(caller, "add_contact"), most=MOST,
    )  # fmt: skip
    if request.url.query and not problems:
        access.prefer(request, page, COOKIE, query.address())
    return page


@router.get("/prospects/{product_id}/list.{kind}", dependencies=[access.needs("prospects")])
async def exported(request: Request, product_id: str, kind: str) -> Response:
    """The list of the page as a file, from its first company on."""
    if kind not in FILES:
        raise NotFound(kind="file", id=kind)
    write, media_type = FILES[kind]
    query = prospect_query.read(request.query_params, language_of(request))
    if query.error is not None:
        raise query.error
    given = {name: value for name, value in query.given.items() if name != "cursor"} | {"n": MOST}
    options = ProspectOptions.parse(given)
    found = await ranked(request, product_id, options, stated_list(product_id, options, given))
    if found.run_id is None:
        return RedirectResponse(f"/prospects/{product_id}?{query.address()}", 303)
    answer = orjson.loads(found.answered.body)
    content = await anyio.to_thread.run_sync(write, answer)
    name = f"prospects-{product_id}-{answer['as_of']}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Run-Id": found.run_id}
    return Response(content, headers=headers, media_type=media_type)


def _by_lane(engine: Engine) -> list[tuple[str, list[Any]]]:
    products = engine.catalogue.products.values()
    found = [(lane, [p for p in products if p.lane == lane]) for lane in LANES]
    return [(lane, some) for lane, some in found if some]


async def _asked(
    request: Request, product_id: str, query: prospect_query.Query
) -> tuple[Json | None, Mapping[str, list[str]]]:
    """A page of the list, or what is wrong with what was asked, by field."""
    options = query.options or ProspectOptions()
    stated = stated_list(product_id, options, query.given)
    found: Ranked = await ranked(request, product_id, options, stated)
    body = orjson.loads(found.answered.body)
    if found.run_id is not None:
        return body, {}
    problems: dict[str, list[str]] = {}
    for error in body["errors"] or [{"field": "", "message": body["detail"]}]:
        problems.setdefault(error["field"], []).append(error["message"])
    return None, problems


async def _last_contacts(request: Request, answer: Json | None) -> Mapping[str, Any]:
    """When each company of a page was last spoken with, as the record has it now."""
    if answer is None:
        return {}
    caller, ids = caller_of(request), [p["company"]["id"] for p in answer["prospects"]]
    found: Mapping[str, Any] = await request.app.state.store.reading(
        lambda c: contacts.last_of(c, caller, ids)
    )
    return found


async def _building(request: Request, caller: Caller) -> Json:
    """Whether there is a population, and what is known of the job that makes one."""
    there = await own_population(request) is not None
    can = caller.role in JOBS[BUILD] and may(caller, "start_job")
    job = None
    if can:
        permit(caller, "jobs")
        language: Language = language_of(request)

        def last(connection: sa.Connection) -> Json | None:
            rows = rows_of(connection, caller, JOBS_LOOKED_AT)
            own = [row for row in rows if row["kind"] == BUILD]
            return described(own[0], language) if own else None

        job = await request.app.state.store.reading(last)
    return {"there": there, "may": can, "job": job}
