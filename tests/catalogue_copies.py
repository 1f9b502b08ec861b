"""The packaged catalogue with a change, as an analyst makes one."""

import json
from pathlib import Path

from recommender import Catalogue
from recommender.catalogue.files import as_json, write_catalogue

RAISED, WITHDRAWN, NEW = "cor-cashflow", "prg-centre", "cor-cashflow-plus"


def changed(ceiling: int | None = None, *, withdrawn: bool = False, added: bool = False):
    """ceiling: of RAISED; withdrawn: without WITHDRAWN; added: with a copy of RAISED as NEW."""
    document = json.loads(as_json(Catalogue.load().document()))
    if ceiling is not None:
        raised(document)["amount"]["high"] = ceiling
    if added:
        document["products"].append({**raised(document), "id": NEW, "name_en": "Cash-flow plus"})
    if withdrawn:
        _withdraw(document)
    return Catalogue.from_documents({"changed": document})


def raised(document):
    return next(product for product in document["products"] if product["id"] == RAISED)


def _withdraw(document):
    document["products"] = [p for p in document["products"] if p["id"] != WITHDRAWN]
    for product in document["products"]:
        for relation in product.get("relations", ()):
            relation["any_of"] = [i for i in relation["any_of"] if i != WITHDRAWN]
        kept = [r for r in product.get("relations", ()) if r["any_of"]]
        product["relations"] = kept
    for stop in document["stops"]:
        if stop["scope"] != "all":
            stop["scope"] = [i for i in stop["scope"] if i != WITHDRAWN]


def write(catalogue: Catalogue, place: Path) -> Path:
    """The catalogue as a file or folder, by its ending."""
    write_catalogue(catalogue.document(), place)
    return place
