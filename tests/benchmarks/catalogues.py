"""Made-up catalogues of any size, grown from the packaged one with a seed.

Each product of the packaged catalogue is copied with its own name, limits, scope, papers and
thresholds, and every second round of copies brings its own questions, as a catalogue of other
institutions would. The packaged products and questions are all part of it, as they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

from recommender import Catalogue
from recommender.tables import data_dir, read_document

Raw = dict[str, Any]
SECTIONS = ("products", "facts", "documents", "stops")
SCALES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
PROVINCES = ("11", "31", "32", "33", "37", "44", "45", "50", "51", "52", "53", "61", "62", "65")
CHAPTERS = ("07", "08", "28", "39", "40", "72", "84", "85", "87", "90", "94")
MODES = ("RSI", "XBR", "IRT", "CER", "RIV", "SEA")
STAGES = ("pre_shipment", "before_departure", "in_transit", "post_shipment")
COPIES_PER_QUESTIONS = 2


def packaged() -> dict[str, list[Raw]]:
    """The rows of the packaged catalogue by section."""
    found: dict[str, list[Raw]] = {section: [] for section in SECTIONS}
    for path in sorted((data_dir() / "catalogue").glob("*.yaml")):
        document = read_document(path)
        for section in SECTIONS:
            found[section] += document.get(section, [])
    return found


def grown(products: int, seed: int = 7) -> dict[str, list[Raw]]:
    """Rows of a catalogue of exactly that many products; the same seed gives the same rows."""
    real = packaged()
    if products < len(real["products"]):
        raise ValueError(f"the packaged catalogue alone has {len(real['products'])} products")
    chance = random.Random(seed)  # noqa: S311 - a repeatable catalogue, no secret
    rest = products - len(real["products"])
    copies = list(islice(_copies(real, chance), rest))
    families = range(1, 1 + _family(-(-rest // len(real["products"]))))
    stopped = {predicate for stop in real["stops"] for predicate in _fields(stop)}
    questions = [
        _question(fact, family)
        for family in families
        for fact in real["facts"]
        if fact["id"] not in stopped
    ]
    return {
        "products": [*real["products"], *copies],
        "facts": [*real["facts"], *questions],
        "documents": real["documents"],
        "stops": [_widened(stop, copies) for stop in real["stops"]],
    }


def catalogue(products: int, seed: int = 7) -> Catalogue:
    """A validated catalogue of that many products."""
    return Catalogue.from_documents({"grown": grown(products, seed)})


def _copies(real: dict[str, list[Raw]], chance: random.Random) -> Iterator[Raw]:
    own = {fact["id"] for fact in real["facts"]}
    own -= {name for stop in real["stops"] for name in _fields(stop)}
    papers = [document["id"] for document in real["documents"]]
    number = 0
    while True:
        number += 1
        family = _family(number)
        for product in real["products"]:
            yield _copy(product, number, family, own, papers, chance)


def _family(number: int) -> int:
    """Which set of questions a copy asks; 0 for the packaged ones."""
    return number // COPIES_PER_QUESTIONS


def _copy(
    product: Raw, number: int, family: int, own: set[str], papers: list[str], chance: random.Random
) -> Raw:
    row = deepcopy(product)
    row["id"] = f"{product['id']}-{number:03d}"
    row["name_zh"] = f"{product['name_zh']}（{number}号）"
    row["name_en"] = f"{product['name_en']} no. {number}"
    row["relations"] = []
    for name in ("amount", "tenor_days"):
        row[name] = _scaled(product.get(name), chance.choice(SCALES))
    for name, choices in (("hs", CHAPTERS), ("routes", MODES), ("stages", STAGES)):
        if product.get(name):
            row[name] = sorted(chance.sample(choices, chance.randint(1, 3)))
    required = sorted({*product.get("documents", []), *chance.sample(papers, 2)})
    row["documents"] = chance.sample(required, max(1, len(required) - 3))
    stated = product.get("provenance", {})
    row["provenance"] = {k: stated[k] for k in stated if k.split(".")[0] in ("hs", "routes")}
    row["rules"] = [_varied(rule, family, own, chance) for rule in product.get("rules", [])]
    return row


def _scaled(span: Raw | None, scale: float) -> Raw | None:
    if span is None:
        return None
    return {end: max(1, round(value * scale)) for end, value in span.items() if value is not None}


def _varied(rule: Raw, family: int, own: set[str], chance: random.Random) -> Raw:
    varied = deepcopy(rule)
    for predicate in varied.get("any", [varied]):
        _vary(predicate, chance)
        for place in ("f", "v_field"):
            if predicate.get(place) in own and family:
                predicate[place] = f"{predicate[place]}_{family:03d}"
    return varied


def _vary(predicate: Raw, chance: random.Random) -> None:
    value = predicate.get("v")
    if predicate["f"] == "registered_province":
        predicate["v"] = sorted(chance.sample(PROVINCES, chance.randint(1, 4)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        predicate["v"] = max(1, round(value * chance.choice((1, 2, 3, 5, 8))))


def _fields(rule: Raw) -> list[str]:
    return [predicate["f"] for predicate in rule.get("any", [rule])]


def _question(fact: Raw, family: int) -> Raw:
    own = deepcopy(fact)
    own["id"] = f"{fact['id']}_{family:03d}"
    for name in ("label", "question"):
        said = fact[name]
        own[name] = {"zh": f"{said['zh']}（{family}）", "en": f"{said['en']} ({family})"}
    return own


def _widened(stop: Raw, copies: list[Raw]) -> Raw:
    if stop["scope"] == "all":
        return stop
    own = tuple(f"{name}-" for name in stop["scope"])
    more = [copy["id"] for copy in copies if copy["id"].startswith(own)]
    return {**stop, "scope": [*stop["scope"], *more]}
