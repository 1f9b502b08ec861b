"""What suits the firm: the list by lane, one product opened, a comparison, a summary to print.

The list is an answer that is kept as a run; every other page here shows that run as it was kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.asking import recommended
from api.bodies import engine_of, language_of
from api.identity.caller import caller_of
from api.store import runs
from api.web import access, pages
from api.web.charts.bars import Bar, bars
from api.web.charts.drawing import Chart
from api.web.enterprise import firm as firms
from api.web.enterprise.live import POSSIBLE, cover, hedges
from api.web.words import say
from recommender.errors import NotFound
from recommender.options import Options
from recommender.texts import Language

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
MOST_SIDE_BY_SIDE = 3
STRONGEST = 3
FIRST = 5
READS = ("company_recommendations", "get_company", "runs", "run")


class Run(NamedTuple):
    """An answer as it was kept, with what asked for it."""

    id: str
    row: Any
    request: Json
    answer: Json

    @property
    def matches(self) -> dict[str, Json]:
        """What was shown, by product."""
        return {m["product_id"]: m for lane in self.answer["lanes"] for m in lane["matches"]}


@router.get("/results", dependencies=[access.needs(*READS)])
async def results(request: Request) -> Response:
    """The list for the company as it stands."""
    firm = await firms.own(request)
    if firm.id is None:
        return await pages.shown(request, "enterprise/no_company.html")
    plain = request.query_params.get("order") == "rules"
    given = {"as_of": Options().day.isoformat(), "personalised": not plain}
    found = await recommended(request, firm.id, given)
    answer, language = found.answer, language_of(request)
    return await pages.shown(
        request,
        "enterprise/results.html",
        firm=firm,
        run_id=found.run_id,
        answer=answer,
        lanes=[_lane(lane) for lane in _ordered(answer)],
        strongest=lambda match: strongest(match, language),
        decided={row["product_id"]: row for row in found.overrides},
        cover=cover(answer["derived"], language),
        hedges=hedges(answer["derived"], language),
        first=FIRST,
    )


@router.get("/results/{run_id}/{product_id}", dependencies=[access.needs(*READS)])
async def opened(request: Request, run_id: str, product_id: str) -> Response:
    """One product of a list, with everything that was said of it."""
    run, firm = await kept(request, run_id), await firms.own(request)
    match = run.matches.get(product_id)
    if match is None:
        raise NotFound(kind="product", id=product_id)
    language = language_of(request)
    questions = {f["id"] for f in engine_of(request).facts(language)["facts"]}
    return await pages.shown(
        request,
        "enterprise/match.html",
        firm=firm,
        run=run,
        match=match,
        contributions=contributions(match, language) if match["contributions"] else None,
        current=firm.id == run.row["company_id"] and firm.version == run.row["company_version"],
        askable=questions,
        written=lambda values: orjson.dumps(values).decode(),
    )


@router.get("/compare", dependencies=[access.needs(*READS)])
async def compared(request: Request) -> Response:
    """Up to three products of a list side by side."""
    run = await kept(request, request.query_params.get("run", ""))
    wanted = list(dict.fromkeys(request.query_params.getlist("product")))
    matches = [run.matches[name] for name in wanted if name in run.matches]
    language = language_of(request)
    return await pages.shown(
        request,
        "enterprise/compare.html",
        run=run,
        matches=matches[:MOST_SIDE_BY_SIDE],
        left_out=len(matches) > MOST_SIDE_BY_SIDE,
        strongest=lambda match: strongest(match, language),
    )


@router.get("/summary", dependencies=[access.needs(*READS)])
async def summary(request: Request) -> Response:
    """Two pages to hand to a bank; without a run it is made of a new list."""
    run_id = request.query_params.get("run")
    if run_id is None:
        firm = await firms.own(request)
        if firm.id is None:
            return await pages.shown(request, "enterprise/no_company.html")
        made = await recommended(request, firm.id, {"as_of": Options().day.isoformat()})
        return RedirectResponse(f"/summary?run={made.run_id}", 303)
    run, language = await kept(request, run_id), language_of(request)
    best = [m for m in run.matches.values() if m["fit"] in POSSIBLE][:6]
    return await pages.shown(
        request,
        "enterprise/summary.html",
        run=run,
        profile=run.request["company"],
        best=best,
        cover=cover(run.answer["derived"], language),
        hedges=hedges(run.answer["derived"], language),
    )


@router.get("/ranking", dependencies=[access.needs("products")])
async def ranking(request: Request) -> Response:
    """How the ranking works, with every weight."""
    return await pages.shown(request, "enterprise/ranking.html", notice=engine_of(request).notice())


async def kept(request: Request, run_id: str) -> Run:
    """A list of recommendations that the caller was shown; raises NotFound and Erased."""
    caller = caller_of(request)
    row = await request.app.state.store.reading(lambda c: runs.visible(c, caller, run_id))
    if row["operation"] != "recommend":
        raise NotFound(kind="run", id=run_id)
    return Run(run_id, row, orjson.loads(row["request"]), orjson.loads(row["answer"]))


def strongest(match: Json, language: Language) -> Chart | None:
    """The largest contributions to a score; None where there are none."""
    found = [c for c in match["contributions"] if c["contribution"] > 0][:STRONGEST]
    return _bars(found, language) if found else None


def contributions(match: Json, language: Language) -> Chart:
    """All contributions to a score, which is their sum."""
    return _bars(match["contributions"], language)


def _bars(found: list[Json], language: Language) -> Chart:
    items = [
        Bar(
            c["text"],
            c["contribution"],
            f"{c['contribution']:+.2f}" if c["known"] else say(language, "not known"),
            "c-accent" if c["known"] and not c["open"] else "c-soft",
        )
        for c in found
    ]
    title, points = say(language, "What the score is made of"), say(language, "Points")
    chart = bars(items, title, (say(language, "Reason"), points), most=2)
    rows = [(c["label"], c["text"], i.shown) for c, i in zip(found, items, strict=True)]
    return chart._replace(
        head=(say(language, "Reason"), say(language, "In words"), points), rows=rows
    )


def _lane(lane: Json) -> Json:
    """A lane with what may fit apart from what nearly does."""
    fits = [m for m in lane["matches"] if m["fit"] in POSSIBLE]
    near = [m for m in lane["matches"] if m["fit"] not in POSSIBLE]
    return {**lane, "fits": fits, "near": near}


def _ordered(answer: Json) -> list[Json]:
    """Financing first where there is a need, hedges first where there is an exposure alone."""
    lanes: list[Json] = [lane for lane in answer["lanes"] if lane["matches"]]
    needs = bool(answer["derived"]["need"])
    first = "financing" if needs or not answer["derived"]["positions"] else "hedge"
    return sorted(lanes, key=lambda lane: lane["lane"] != first)
