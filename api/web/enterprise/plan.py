"""The plan: products combined so that the whole need is met, up to three plans side by side."""

from __future__ import annotations

import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.asking import planned
from api.bodies import engine_of, language_of, stated_by
from api.web import access, formats, pages
from api.web.charts.bars import Bar, bars
from api.web.charts.drawing import Chart
from api.web.charts.timeline import Moment, timeline
from api.web.charts.waterfall import Step, waterfall
from api.web.enterprise import firm as firms
from api.web.words import say
from recommender.options import Options
from recommender.plan_options import PlanOptions
from recommender.texts import Language, day, text

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/plan", dependencies=[access.needs("plans", "get_company")])
async def plan(request: Request) -> Response:
    """Up to three plans for the company as it stands."""
    firm = await firms.own(request)
    if firm.id is None:
        return await pages.shown(request, "enterprise/no_company.html")
    engine, language = engine_of(request), language_of(request)
    given = {"as_of": Options().day.isoformat(), "language": language}
    options = PlanOptions.parse(given)
    company = engine.read(firm.profile)
    stated = stated_by(firm.profile, options, given, {"id": firm.id, "version": firm.version})
    run_id, body = await planned(request, engine, company, options, stated)
    answer = orjson.loads(body)
    return await pages.shown(
        request,
        "enterprise/plan.html",
        firm=firm,
        run_id=run_id,
        answer=answer,
        plans=[(plan, _pictures(plan, answer, language)) for plan in answer["plans"]],
    )


def _pictures(plan: Json, answer: Json, language: Language) -> dict[str, Chart | None]:
    return {
        "cover": _cover(plan, language),
        "time": _time(plan, language),
        "hedges": _hedges(plan, answer, language),
    }


def _cover(plan: Json, language: Language) -> Chart:
    """The need with its margins, what covers it line by line, and what stays open."""
    money = plan["money"]
    need = money["need"] + money["margins"]
    steps = [Step(say(language, "Need"), 0, need, _cny(need, language), "c-soft")]
    left = need
    lines = [(line[f"name_{language}"], line["net_new_cny"]) for line in plan["lines"]]
    for name, value in [*lines, *((e["lender"], e["cny"]) for e in plan["existing"])]:
        after = max(left - value, 0.0)
        steps.append(Step(name, left, after, _cny(value, language)))
        left = after
    open_ = money["uncovered"]
    steps.append(Step(say(language, "Stays open"), open_, 0, _cny(open_, language), "c-amber"))
    head = (say(language, "Line"), say(language, "Amount"))
    return waterfall(steps, say(language, "Need, what covers it, and the gap"), head)


def _time(plan: Json, language: Language) -> Chart | None:
    """Need and cover from the first day to the last; None where no need has its days."""
    stretches = plan["cover_over_time"]
    if not stretches:
        return None
    first = datetime.date.fromisoformat(stretches[0]["from"])
    marks = [(s["from"], s) for s in stretches] + [(stretches[-1]["to"], stretches[-1])]
    moments = [
        Moment(
            (datetime.date.fromisoformat(when) - first).days,
            day(datetime.date.fromisoformat(when), language),
            (s["need"], s["covered"]),
            (_cny(s["need"], language), _cny(s["covered"], language)),
        )
        for when, s in marks
    ]
    names = (say(language, "Need"), say(language, "Covered"))
    return timeline(
        moments, say(language, "Need and cover over time"), names, say(language, "From")
    )


def _hedges(plan: Json, answer: Json, language: Language) -> Chart | None:
    """The hedged share of each position after the plan; the caption names the band aimed at."""
    found = []
    for position in plan["positions"]:
        ratio = position["hedge_ratio"]
        if ratio is None:
            continue
        amount = formats.plain_amount(position["position"], position["currency"], language)
        label = f"{amount} · {text('bucket.' + position['bucket'], language)}"
        css = "c-amber" if position["within_target"] is False else "c-green"
        found.append(Bar(label, ratio, str(formats.percent(ratio, language)), css))
    if not found:
        return None
    target = answer["situation"]["hedge_target"]
    head = (say(language, "Position"), text("derived.figure.hedge_ratio", language))
    chart = bars(found, say(language, "Hedged share by currency"), head, most=1)
    return chart._replace(caption=target["text"] if target else "")


def _cny(value: float, language: Language) -> str:
    return formats.plain_amount(value, "CNY", language)
