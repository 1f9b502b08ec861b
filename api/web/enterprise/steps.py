"""The five steps of the profile: which fields each asks for, in words of the profile itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from api.web.words import N_
from recommender import Engine, codes
from recommender.codes import reference
from recommender.company.holdings import Collateral, Facility, Insurance, Paper, Position
from recommender.company.profile import Buyer, Company, Need, Route, Trade
from recommender.records import Record
from recommender.texts import Label, Language, show, table

Kind = Literal["text", "long", "int", "amount", "date", "flag", "choice", "ticks", "code", "codes"]
Options = list[tuple[str, str]]


class Asked(NamedTuple):
    """One field. name: within its model; source: section of labels, or a list of codes."""

    name: str
    kind: Kind
    source: str = ""


class Rows(NamedTuple):
    """A list of records, a row each. at: its path in the profile."""

    at: str
    model: type[Record]
    fields: tuple[Asked, ...]
    none: str


class Step(NamedTuple):
    """A step. parts: (prefix of the path, model, fields)."""

    name: str
    title: str
    why: str
    parts: tuple[tuple[str, type[Record], tuple[Asked, ...]], ...]
    rows: tuple[Rows, ...] = ()


WHO = (
    Asked("name_zh", "text"),
    Asked("name_en", "text"),
    Asked("uscc", "text"),
    Asked("registered_province", "code", "provinces"),
    Asked("industry", "code", "industries"),
    Asked("ownership", "choice", "ownership"),
    Asked("staff", "int"),
    Asked("revenue_cny", "amount"),
    Asked("total_assets_cny", "amount"),
    Asked("years_operating", "int"),
    Asked("special_zone", "text"),
)
TRADE = (
    Asked("directions", "ticks", "direction"),
    Asked("stage", "choice", "stage"),
    Asked("hs", "codes", "goods"),
    Asked("settlement_methods", "ticks", "settlement_method"),
    Asked("payment_term_days", "int"),
    Asked("incoterms", "ticks", "incoterm"),
    Asked("export_12m_usd", "amount"),
    Asked("import_12m_usd", "amount"),
    Asked("corridor_shipments_12m", "int"),
    Asked("description", "long"),
)
NEED = (
    Asked("amount", "amount"),
    Asked("currency", "code", "currencies"),
    Asked("tenor_days", "int"),
    Asked("date", "date"),
    Asked("purpose", "choice", "purpose"),
)
ROUTES = Rows(
    "trade.routes",
    Route,
    (Asked("mode", "choice", "mode"), Asked("legs", "codes", "places")),
    N_("We use no route of the corridor"),
)
BUYERS = Rows(
    "trade.buyers",
    Buyer,
    (Asked("country", "code", "countries"), Asked("share_pct", "amount"), Asked("related", "flag")),
    N_("There is no regular buyer or supplier"),
)
PLEDGE = (
    Rows(
        "collateral",
        Collateral,
        (
            Asked("type", "choice", "collateral"),
            Asked("value", "amount"),
            Asked("currency", "code", "currencies"),
            Asked("senior_claim", "amount"),
            Asked("trade", "text"),
        ),
        N_("We have nothing to pledge"),
    ),
    Rows(
        "insurance",
        Insurance,
        (
            Asked("trade", "text"),
            Asked("declared", "amount"),
            Asked("free_limit", "amount"),
            Asked("currency", "code", "currencies"),
            Asked("cover_pct", "amount"),
            Asked("premium_paid", "flag"),
        ),
        N_("We have no credit insurance"),
    ),
    Rows(
        "documents",
        Paper,
        (
            Asked("type", "choice", "papers"),
            Asked("trade", "text"),
            Asked("issuer", "choice", "issuer"),
        ),
        N_("We hold none of these papers"),
    ),
    Rows(
        "facilities",
        Facility,
        (
            Asked("lender", "text"),
            Asked("kind", "text"),
            Asked("limit", "amount"),
            Asked("drawn", "amount"),
            Asked("currency", "code", "currencies"),
            Asked("maturity", "date"),
            Asked("secured_by", "text"),
        ),
        N_("We have no loans or lines today"),
    ),
)
POSITIONS = Rows(
    "positions",
    Position,
    tuple(
        {
            "currency": Asked("currency", "code", "currencies"),
            "bucket": Asked("bucket", "choice", "bucket"),
            "documented": Asked("documented", "flag"),
        }.get(name, Asked(name, "amount"))
        for name in Position.model_fields
    ),
    N_("We have no foreign-currency flows"),
)
STEPS: tuple[Step, ...] = (
    Step(
        "who",
        N_("Your firm"),
        N_("Size, place and industry decide which programmes and guarantees are open to you."),
        (("", Company, WHO),),
    ),
    Step(
        "trade",
        N_("Goods and routes"),
        N_("What moves, which way and how it is paid decides what can be lent on."),
        (("trade.", Trade, TRADE),),
        (ROUTES, BUYERS),
    ),
    Step(
        "need",
        N_("What you need"),
        N_("Amount and tenor are held against each product's range."),
        (("need.", Need, NEED),),
    ),
    Step(
        "pledge",
        N_("What you can pledge"),
        N_("Each item is taken at its advance, less what others hold of it."),
        (),
        PLEDGE,
    ),
    Step(
        "currency",
        N_("Currencies"),
        N_(
            "What comes in and goes out by currency and time shows what is open and what is hedged."
        ),
        (),
        (POSITIONS,),
    ),
)
BY_NAME = {step.name: step for step in STEPS}


def label_of(model: type[Record], name: str, language: Language) -> str:
    """The name of a field of the profile."""
    extra: Any = model.model_fields[name].json_schema_extra
    return str(extra[f"label_{language}"])


def unit_of(model: type[Record], name: str) -> str | None:
    """The unit of a field where it is one that people write."""
    extra: Any = model.model_fields[name].json_schema_extra
    unit = str(extra.get("unit", ""))
    return unit if unit in ("CNY", "USD") else None


def filled(step: Step, profile: dict[str, Any]) -> bool:
    """Whether a profile says anything of what a step asks."""
    paths = [prefix + f.name for prefix, _, fields in step.parts for f in fields]
    return any(at(profile, path) is not None for path in [*paths, *(r.at for r in step.rows)])


def at(profile: dict[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    found: Any = profile
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def options(source: str, engine: Engine, language: Language) -> Options:
    """The possible values of a field with their words."""
    if source == "papers":
        papers = engine.catalogue.documents.values()
        return sorted(((p.id, show(p.label.label, language)) for p in papers), key=lambda o: o[1])
    return listed(source, language)


@lru_cache(maxsize=64)
def listed(source: str, language: Language) -> Options:
    """The codes of a table or the labels of a section, with their words."""
    lists: dict[str, Sequence[tuple[str, Label]]] = {}
    if source == "collateral":
        found = codes.collateral_types()
        lists[source] = [(t.type, t.label) for t in found]
    elif source in ("currencies", "countries"):
        name = f"{source}.csv"
        label = codes.currency_label if source == "currencies" else codes.country_label
        lists[source] = [(code, label(code)) for code in reference.by_code(name)]
    elif source == "provinces":
        rows = reference.by_code("divisions.csv")
        lists[source] = [(c, codes.division_label(c)) for c in rows if len(c) == 2]
    elif source == "industries":
        rows = reference.by_code("gbt4754.csv")
        lists[source] = [(c, codes.industry_label(c)) for c in rows if len(c) == 3]
    elif source == "places":
        rows = reference.by_code("corridor_nodes.csv")
        lists[source] = [(c, codes.locode_label(c)) for c in rows]
    else:
        start = f"{source}."
        lists[source] = [(k[len(start) :], v) for k, v in table().items() if k.startswith(start)]
    return [(code, show(label, language)) for code, label in lists[source]]
