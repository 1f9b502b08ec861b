"""A product or a fact edited: checked, its effect shown, and kept as a version out of use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import language_of
from api.decisions import asked
from api.identity.caller import caller_of
from api.web import access, forms, pages
from api.web.analyst import registry
from api.web.analyst.catalogues import named_samples
from api.web.words import N_, say
from recommender import Catalogue
from recommender.answers.explain import Wording
from recommender.catalogue.cells import read, written
from recommender.catalogue.columns import Column, sheet_specs
from recommender.catalogue.product import FactDefinition, Product
from recommender.errors import NotFound
from recommender.texts import Language, label, show, table, text
from recommender.vocabulary import PROVENANCES

EDITED = "api.jobs.catalogues:edited"
LONG = ("summary", "question", "effort")
PRODUCT = ("name_zh", "name_en", "summary.zh", "summary.en")
RANGES = {"amount": N_("Amount in CNY"), "tenor_days": N_("Tenor in days")}
TEXTS = {
    "summary.zh": N_("Summary in Chinese"),
    "summary.en": N_("Summary in English"),
    "label.zh": N_("Name in Chinese"),
    "label.en": N_("Name in English"),
    "question.zh": N_("Question in Chinese"),
    "question.en": N_("Question in English"),
    "effort.zh": N_("What it takes, in Chinese"),
    "effort.en": N_("What it takes, in English"),
}
FACT = tuple(f"{part}.{side}" for part in ("label", "question", "effort") for side in ("zh", "en"))
NUMBERED = re.compile(r"\[(\d+)\]")
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


class Place(NamedTuple):
    """One value that can be edited. value: as a cell of a table has it; options: of a choice."""

    name: str
    words: str
    value: str
    column: Column
    op: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def long(self) -> bool:
        """Whether it takes several lines."""
        return self.name.partition(".")[0] in LONG


class Group(NamedTuple):
    """Values that belong together, under a heading; said: what they say now, in words."""

    title: str
    said: str
    places: list[Place]


@router.get("/catalogues/{version}/products/{name}", dependencies=[access.needs("add_catalogue")])
async def product(request: Request, version: str, name: str) -> Response:
    """The texts, ranges and conditions of a product."""
    return await _page(request, version, "products", name)


@router.post("/catalogues/{version}/products/{name}", dependencies=[access.needs("add_catalogue")])
async def edit_product(request: Request, version: str, name: str) -> Response:
    """See what a change does, or keep it as a new version."""
    return await _edited(request, version, "products", name)


@router.get("/catalogues/{version}/facts/{name}", dependencies=[access.needs("add_catalogue")])
async def fact(request: Request, version: str, name: str) -> Response:
    """The texts of a fact."""
    return await _page(request, version, "facts", name)


@router.post("/catalogues/{version}/facts/{name}", dependencies=[access.needs("add_catalogue")])
async def edit_fact(request: Request, version: str, name: str) -> Response:
    """See what a change does, or keep it as a new version."""
    return await _edited(request, version, "facts", name)


async def _edited(request: Request, version: str, section: str, name: str) -> Response:
    form, language = await forms.received(request), language_of(request)
    catalogue = await registry.catalogue_of(request, version)
    groups = _groups(catalogue, section, name, language)
    typed = {place.name: _typed(form, place) for group in groups for place in group.places}
    changes = {
        place.name: read(typed[place.name], place.column, place.op)
        for group in groups
        for place in group.places
        if typed[place.name] != place.value
    }
    if not changes:
        problems = {"": [say(language, "Nothing was changed.")]}
        return await _page(request, version, section, name, 422, problems=problems)
    keep = form.one("do") == "keep"
    state, own = request.app.state, caller_of(request).organisation_id
    wanted = None if keep else language
    found, more = await state.checks.run(
        EDITED, state.settings, own, version, {(section, name): changes}, wanted
    )
    if found is None:
        problems = _beside(registry.told(more, request), section, name, typed)
        context = {"problems": problems, "typed": typed}
        return await _page(request, version, section, name, 422, **context)
    if not keep:
        effect = {"changes": found, "samples": named_samples(found, language)}
        return await _page(request, version, section, name, typed=typed, **effect)
    kept = await asked(request, lambda versions: versions.kept(found, more))
    return RedirectResponse(f"/catalogues/{kept['version']}?against={version}", 303)


async def _page(
    request: Request, version: str, section: str, name: str, status: int = 200, **context: Any
) -> Response:
    catalogue, language = await registry.catalogue_of(request, version), language_of(request)
    groups = _groups(catalogue, section, name, language)
    record = getattr(catalogue, section)[name]
    title = show(record.name if section == "products" else record.label.label, language)
    labels = {p.name: f"{g.title}: {p.words}" for g in groups for p in g.places}
    whole = {
        "version": catalogue.version, "groups": groups, "name": title, "id": name,
        "labels": labels, "problems": {}, "typed": {}, "changes": None, "samples": None, **context,
    }  # fmt: skip
    return await pages.shown(request, "analyst/edit.html", status, **whole)


def _groups(catalogue: Catalogue, section: str, name: str, language: Language) -> list[Group]:
    record = getattr(catalogue, section).get(name)
    if record is None:
        raise NotFound(kind=section.removesuffix("s"), id=name)
    if section == "facts":
        return [_texts(record, section, FACT, language)]
    return [
        _texts(record, section, PRODUCT, language),
        *(_range(record, part, language) for part in RANGES),
        *_rules(record, Wording(catalogue), language),
    ]


def _texts(
    record: Product | FactDefinition, section: str, names: tuple[str, ...], language: Language
) -> Group:
    places = [_place(record, section, name, language) for name in names]
    return Group(say(language, "Texts"), "", places)


def _range(record: Product, part: str, language: Language) -> Group:
    places = [_place(record, "products", f"{part}.{end}", language) for end in ("low", "high")]
    now = record.provenance.get(part, "illustrative")
    name = f"provenance.{part}"
    places.append(_source(record, name, now, language))
    return Group(say(language, RANGES[part]), "", places)


def _rules(record: Product, wording: Wording, language: Language) -> Iterator[Group]:
    columns = sheet_specs()["rules"]
    for number, rule in enumerate(record.rules):
        places = []
        for at, predicate in enumerate(rule.predicates):
            if predicate.v is not None:
                inner = f"any.{at}." if rule.any is not None else ""
                name, column = f"rules.{number}.{inner}v", columns.column("v")
                words = say(language, "Value")
                value = _cell(predicate.v, column)
                places.append(Place(name, words, value, column, predicate.op))
        kinds = (("yes", say(language, "required")), ("no", say(language, "a caution only")))
        name, words = f"rules.{number}.hard", say(language, "Weight of the condition")
        now, column = "yes" if rule.hard else "no", columns.column("hard")
        strict = Place(name, words, now, column, None, kinds)
        places += [strict, _source(record, f"rules.{number}.src", rule.src, language)]
        title = say(language, "Condition %(n)s", n=number + 1)
        yield Group(title, wording.demand(rule, language), places)


def _place(record: Any, section: str, name: str, language: Language) -> Place:
    column = sheet_specs()[section].column(name)
    value: Any = record
    for part in name.split("."):
        value = None if value is None else getattr(value, part)
    return Place(name, _column_name(section, name, language), _cell(value, column), column)


def _source(record: Product, name: str, now: str, language: Language) -> Place:
    named = tuple((key, f"{key}: {source.title}") for key, source in record.sources.items())
    words = tuple((word, show(label(f"provenance.{word}"), language)) for word in PROVENANCES)
    column = Column(name, "word")
    return Place(name, say(language, "Source"), now, column, None, (*named, *words))


def _cell(value: Any, column: Column) -> str:
    found = written(value, column)
    return "" if found is None else str(found)


def _column_name(section: str, name: str, language: Language) -> str:
    if name in TEXTS:
        return say(language, TEXTS[name])
    key = f"columns.{section}.{name}.name"
    return text(key, language) if key in table() else name


def _typed(form: forms.Form, place: Place) -> str:
    return form.one(place.name).replace("\r\n", "\n")


def _beside(
    body: Mapping[str, Any], section: str, name: str, typed: Mapping[str, str]
) -> dict[str, list[str]]:
    """Sentences by the name of their input; "" holds those of no input on the page."""
    found: dict[str, list[str]] = {}
    for one in body["errors"]:
        place = NUMBERED.sub(r".\1", one["field"].removeprefix(f"{section}[{name}]").lstrip("."))
        fitting = next((key for key in typed if key == place or key.startswith(f"{place}.")), "")
        found.setdefault(fitting if place else "", []).append(one["message"])
    return found or {"": [body["detail"]]}
