"""Random small catalogues of valid products in all lanes, and engines over them."""

from functools import lru_cache
from typing import get_args

from hypothesis import assume
from hypothesis import strategies as st
from strategies import (
    AMOUNTS,
    AS_OF,
    COMPANIES,
    COMPLETE,
    COUNTS,
    CURRENCIES,
    DAYS,
    FACT_TYPES,
    FIGURES,
    HS,
    KINDS,
    LITERALS,
    OPTIONS,
    PAPERS,
    maybe,
    one,
    some,
)

from recommender import Catalogue, Company, Engine
from recommender.errors import InvalidCatalogue, InvalidProfile
from recommender.parameters import Parameters
from recommender.vocabulary import (
    LANES,
    Direction,
    Mode,
    Provenance,
    SettlementMethod,
    Stage,
)

NUMBERS = (
    "trade.payment_term_days",
    "trade.export_12m_usd",
    "trade.corridor_shipments_12m",
    "staff",
    "revenue_cny",
    "years_operating",
    "need.tenor_days",
    "need_cny",
    "collateral_gap_cny",
)
RANGES = st.sampled_from(
    ({"low": 0, "high": 1e8}, {"low": 50_000, "high": 8e6}, {"high": 250_000}, {"low": 1})
)
TENORS = st.sampled_from(({"low": 1, "high": 90}, {"low": 30, "high": 400}, {"low": 1}))
SPANS = st.fixed_dictionaries({"low": one((0.3, 0.5)), "high": one((0.5, 0.8))})
ACCEPTS = st.dictionaries(one(KINDS), maybe(SPANS), max_size=4)
COVERS = {"insurance": ("receivables", "cargo"), "guarantee": ("loan", "hedge_margin")}
SCOPE = {
    "directions": some(get_args(Direction), least=1),
    "routes": some(get_args(Mode), least=1),
    "hs": some(HS, least=1),
    "stages": some(get_args(Stage), least=1),
    "settlement_methods": some(get_args(SettlementMethod), least=1),
    "sizes": some(LITERALS["size_class"], least=1),
    "valid_from": one(DAYS),
    "valid_until": one(("2027-01-31", "2028-01-01")),
    "fit_ceiling": st.just("conditional"),
    "suspended": st.just(True),
}
RARELY = st.sampled_from((False, False, False, False, True))
FORMULAS = {
    "financing": ("unsecured", "advance", "tax_rebate", "documentary_credit"),
    "insurance": ("receivables", "none"),
    "guarantee": ("guarantee",),
    "hedge": ("position",),
    "settlement": ("receivables", "none"),
    "lease": ("asset",),
    "equity": ("none", "unsecured"),
    "service": ("none",),
}

WORDS = {"zh": "文", "en": "text"}
# A service with nothing but what every product must have.
SERVICE = {
    "id": "p1",
    "name_zh": "服务",
    "name_en": "Service",
    "lane": "service",
    "category": "platform_service",
    "provider": WORDS,
    "summary": WORDS,
    "family": "none",
    "formula": "none",
    "currencies": ["CNY"],
}


def both(word):
    """A text in both languages."""
    return {"zh": f"甲{word}", "en": f"Text {word}"}


@st.composite
def facts(draw):
    """The dictionary: fixed ids and types; who answers and who can change them is drawn."""
    found = []
    for name, kind in FACT_TYPES.items():
        asked = name.split("_")[0] if name.split("_")[0] in ("bank", "screening") else "company"
        found.append(
            {
                "id": name,
                "type": kind,
                "label": both(name),
                "question": both(f"{name}?"),
                "asked_of": asked,
                "changeable": draw(one(("company", "company", "third_party", "no"))),
                **({"unit": "CNY"} if kind == "number" else {}),
                **({"document": "LC"} if draw(RARELY) else {}),
                **(
                    {"options": [{"id": o, "label": both(o)} for o in OPTIONS]}
                    if kind.startswith("choice")
                    else {}
                ),
            }
        )
    found[0]["implied_by"] = [
        {"f": "trade.stage", "op": "one_of", "v": ["in_transit", "post_shipment"], "value": True},
        {"f": "trade.stage", "op": "one_of", "v": ["pre_shipment"], "value": False},
    ]
    return found


@st.composite
def documents(draw, dictionary):
    """Papers; one may set a fact that its holder can change."""
    settable = [
        f["id"]
        for f in dictionary
        if f["type"] == "flag" and f["asked_of"] == "company" and f["changeable"] == "company"
    ][-1:]
    found = []
    for i, name in enumerate(PAPERS):
        stages = draw(SCOPE["stages"] | st.none())
        found.append(
            {
                "id": name,
                "label": both(name),
                "kind": "transport" if i < 3 else "finance",
                "character": ("title", "contractual", "none", "none")[i],
                "obtained_from": draw(one(("company", "company", "third_party"))),
                **({"obtainable_in": stages} if stages else {}),
                **({"sets": dict.fromkeys(settable, True)} if i == 1 else {}),
            }
        )
    return found


@st.composite
def predicates(draw):
    """A comparison of any kind of field or fact with an operator it knows."""
    kind = draw(one(("fact", "fact", "codes", "number", "day")))
    if kind == "codes":
        name = draw(one(tuple(LITERALS)))
        operator = draw(one(("one_of", "none_of", "overlaps")))
        return {"f": name, "op": operator, "v": draw(some(LITERALS[name], least=1, most=4))}
    if kind == "number":
        return draw(numeric(draw(one(NUMBERS)), AMOUNTS + COUNTS, NUMBERS))
    if kind == "day":
        return draw(dated("need.date", "date_1"))
    name = draw(one(tuple(FACT_TYPES)))
    sort = FACT_TYPES[name]
    if sort == "flag":
        return {"f": name, "op": draw(one(("holds", "lacks")))}
    if sort == "number":
        return draw(numeric(name, FIGURES, ("need_cny",)))
    if sort == "date":
        return draw(dated(name, "need.date"))
    operator = draw(one(("one_of", "none_of", "overlaps")))
    return {"f": name, "op": operator, "v": draw(some(OPTIONS, least=1, most=2))}


@st.composite
def numeric(draw, name, values, fields):
    """A number against a value, a range or another field."""
    operator = draw(one(("at_least", "at_most", "between")))
    if operator == "between":
        pair = sorted((draw(one(values)), draw(one(values))))
        return {"f": name, "op": operator, "v": pair}
    if draw(RARELY):
        return {"f": name, "op": operator, "v_field": draw(one(fields))}
    return {"f": name, "op": operator, "v": draw(one(values))}


@st.composite
def dated(draw, name, other):
    """A day against a day or another field."""
    operator = draw(one(("before", "after")))
    operand = {"v_field": other} if draw(st.booleans()) else {"v": draw(one(DAYS))}
    return {"f": name, "op": operator, **operand}


PREDICATES = predicates()


@st.composite
def rules(draw):
    """One predicate or any of two; mostly hard."""
    hard = {"hard": not draw(RARELY)}
    if draw(RARELY):
        either = [draw(PREDICATES), draw(PREDICATES)]
        return {"any": either, **hard}
    return {**draw(PREDICATES), **hard}


RULES = rules()


def reason(rule):
    """The reason code a rule gets."""
    return "|".join(sorted(f"{p['f']}.{p['op']}" for p in rule.get("any", [rule])))


@st.composite
def products(draw, name, lane):
    """A product of a lane, with or without scope, limits and rules."""
    drawn = draw(st.lists(RULES, min_size=0 if lane == "service" else 1, max_size=3))
    rare = {field: draw(values) for field, values in SCOPE.items() if draw(RARELY)}
    return {
        "id": name,
        "name_zh": f"产品{name[-1]}",
        "name_en": f"Product {name[-1]}",
        "lane": lane,
        "category": "test",
        "provider": both("bank"),
        "summary": both("summary"),
        "keywords": draw(some(("微耕机", "durian", "rail"))),
        "family": "none",
        "formula": draw(one(FORMULAS[lane])),
        "currencies": draw(some(CURRENCIES, least=2)),
        "amount": draw(RANGES),
        "tenor_days": draw(TENORS),
        "accepts": draw(ACCEPTS),
        "documents": draw(some(PAPERS)),
        "rules": list({reason(rule): rule for rule in drawn}.values()),
        "provenance": {n: draw(one(get_args(Provenance))) for n in ("routes", "hs")},
        **({"covers": draw(one(COVERS[lane]))} if lane in COVERS else {}),
        **rare,
    }


@st.composite
def catalogues(draw, most=5):
    """Rows of a valid catalogue by section: a few products of any lanes."""
    dictionary = draw(facts())
    lanes = draw(st.lists(one(LANES), min_size=1, max_size=most))
    offered = [draw(products(f"p-{i}", lane)) for i, lane in enumerate(lanes)]
    stop = draw(maybe(PREDICATES))
    for product in offered if stop else ():
        own = [rule for rule in product["rules"] if reason(rule) != reason(stop)]
        product["rules"] = own or [{"f": "staff", "op": "at_least", "v": 1, "code": "own"}]
    return possible(
        {
            "facts": dictionary,
            "documents": draw(documents(dictionary)),
            "products": offered,
            "stops": [{**stop, "scope": "all"}] if stop else [],
        }
    )


def possible(rows):
    """The rows without rules that no company could meet together."""
    for product in impossible(rows):
        product["rules"] = [{"f": "staff", "op": "at_least", "v": 1, "code": "own"}]
    return {**rows, "stops": []} if impossible(rows) else rows


def impossible(rows):
    """The products that no company could get."""
    try:
        Catalogue.from_documents({"drawn": rows})
    except InvalidCatalogue as error:
        found = {p.field for p in error.problems if p.code == "rules_contradict"}
        return [p for p in rows["products"] if any(f"[{p['id']}]" in place for place in found)]
    return []


@lru_cache(maxsize=1)
def parameters():
    """The packaged parameters, read once."""
    return Parameters.load()


def engine_of(rows, **kw):
    """An engine for rows of a catalogue."""
    catalogue = Catalogue.from_documents({"drawn": rows})
    return Engine(catalogue, parameters=parameters(), **kw)


def read(engine, raw):
    """The company and its values, without facts that the rest of the profile contradicts."""
    try:
        return checked(engine, raw), raw
    except InvalidProfile as error:
        wrong = {p.field.removeprefix("facts.") for p in error.problems}
        assume({p.code for p in error.problems} == {"contradiction"})
        kept = {name: fact for name, fact in raw["facts"].items() if name not in wrong}
        return checked(engine, {**raw, "facts": kept}), {**raw, "facts": kept}


def checked(engine, raw):
    """The company, after the engine has accepted it for the day of these tests."""
    company = Company.parse(raw)
    engine.eligibility(company, as_of=AS_OF)
    return company


class Situation:
    """An engine over a catalogue and a company it accepts; both also as the values drawn."""

    def __init__(self, rows, raw):
        self.engine, self.rows = engine_of(rows), rows
        self.company, self.raw = read(self.engine, raw)

    def __repr__(self):
        """The values drawn, to be pasted into a test."""
        return f"Situation({self.rows!r}, {self.raw!r})"

    def recommend(self, **kw):
        """The answer on the day of these tests."""
        return self.engine.recommend(self.company, **{"as_of": AS_OF, **kw})

    def eligibility(self, **kw):
        """Every rule with its verdict, on the day of these tests."""
        return self.engine.eligibility(self.company, **{"as_of": AS_OF, **kw})["products"]


CATALOGUES = catalogues()


@st.composite
def situations(draw, *, complete=False):
    """A random catalogue and a random company; complete: all of it is known."""
    return Situation(draw(CATALOGUES), draw(COMPLETE if complete else COMPANIES))
