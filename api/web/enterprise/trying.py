"""A change tried: the list before and after, and the change kept where the firm wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.asking import tried
from api.bodies import engine_of, language_of, stated_by
from api.store.profiles import canonical
from api.web import access, forms, pages
from api.web.enterprise import firm as firms
from api.web.enterprise.live import POSSIBLE
from api.web.enterprise.results import kept
from recommender.answers.changes import apply
from recommender.errors import NotFound
from recommender.options import Options

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
WRITES = ("what_if", "run", "get_company", "put_company")
ORDER = ("eligible", "conditional", "near_miss", "ineligible")


@router.post("/try", dependencies=[access.needs(*WRITES)])
async def change(request: Request) -> Response:
    """What a change of a list moves; `keep` saves it in the profile and goes back to the list."""
    form = await forms.received(request)
    firm, engine = await firms.chosen(request), engine_of(request)
    wanted = await _change(request, form)
    company = engine.read(firm.profile)
    if form.one("action") == "keep":
        _, plain = canonical(apply(company, wanted["set"], engine.catalogue))
        await firms.saved(request, firm, plain, form.one("etag"), forms.claim(request, form, "try"))
        return RedirectResponse("/results", 303)
    given = {"as_of": Options().day.isoformat(), "language": language_of(request), "limit": 200}
    options = engine.options(given)
    stated = stated_by(firm.profile, options, given, {"id": firm.id, "version": firm.version})
    stated = replace(stated, request={**stated.request, "set": wanted["set"]})
    _, answer = await tried(request, engine, company, wanted["set"], options, stated)
    return await pages.shown(
        request,
        "enterprise/tried.html",
        firm=firm,
        change=wanted,
        form=form,
        moved=sorted(answer["moved"], key=_gain),
        names=engine.catalogue.products,
        before=answer["before"]["derived"],
        after=answer["after"]["derived"],
        possible=[_possible(answer[name]) for name in ("before", "after")],
    )


async def _change(request: Request, form: forms.Form) -> Json:
    """The change that a form names by list, product and place; raises NotFound."""
    run = await kept(request, form.one("run"))
    match, index = run.matches.get(form.one("product")), form.one("change")
    if match is None or not index.isdecimal() or int(index[:4]) >= len(match["changes"]):
        raise NotFound(kind="product", id=form.one("product"))
    found: Json = match["changes"][int(index)]
    return found


def _gain(moved: Json) -> tuple[int, int]:
    """What gains most stands first."""
    before, after = ORDER.index(moved["fit_before"]), ORDER.index(moved["fit_after"])
    return after - before, moved["rank_after"] or 1_000


def _possible(answer: Json) -> int:
    return sum(m["fit"] in POSSIBLE for lane in answer["lanes"] for m in lane["matches"])
