"""Which companies a change of the catalogue matters to."""

from copy import deepcopy

from catalogue_strategies import SERVICE as PLAIN

from recommender import Catalogue
from recommender.catalogue.catalogue import catalogue_files
from recommender.registry.impact import FitChange, impact, sample_companies
from recommender.tables import read_document

DAY = "2026-11-23"
FIRM = {"registered_province": "50", "staff": 5, "documents": [{"type": "NOWHERE"}]}
SERVICE = {**PLAIN, "rules": [{"f": "staff", "op": "at_least", "v": 10}]}


def of(*products):
    return Catalogue.from_documents({"f": {"products": list(products)}})


def loosened(staff):
    return {**SERVICE, "rules": [{"f": "staff", "op": "at_least", "v": staff}]}


def test_a_company_that_now_fits_is_named_with_before_and_after():
    found = impact(of(SERVICE), of(loosened(5)), {"firm": FIRM, "other": {}}, DAY)
    assert found.changes == (FitChange("firm", "p1", "ineligible", "eligible"),)
    assert (found.total, found.companies, found.unread) == (2, ["firm"], ())


def test_a_product_that_comes_or_goes_matters_only_to_those_it_fits():
    small, large = loosened(5), {**SERVICE, "id": "p2"}
    found = impact(of(SERVICE), of(SERVICE, {**small, "id": "p3"}, large), {"firm": FIRM}, DAY)
    assert found.changes == (FitChange("firm", "p3", None, "eligible"),)
    gone = impact(of(small, SERVICE | {"id": "p2"}), of({**SERVICE, "id": "p2"}), {"f": FIRM}, DAY)
    assert gone.changes == (FitChange("f", "p1", "eligible", None),)


def test_facts_a_catalogue_does_not_know_are_left_out_and_wrong_profiles_named():
    firms = {"firm": {**FIRM, "facts": {"sound": {"value": True}}}, "wrong": {"staff": "many"}}
    found = impact(of(SERVICE), of(loosened(5)), firms, DAY)
    assert (found.companies, found.unread, found.total) == (["firm"], ("wrong",), 1)


def test_the_samples_change_with_a_ceiling_and_not_without():
    rows = {str(path): read_document(path) for path in catalogue_files(None)}
    lower = deepcopy(rows)
    for document in lower.values():
        for product in document.get("products", ()):
            if (product.get("amount") or {}).get("high"):
                product["amount"]["high"] = product["amount"].get("low") or 1
    old, new = Catalogue.from_documents(rows), Catalogue.from_documents(lower)
    companies = sample_companies()
    assert len(companies) == 25
    assert impact(old, old, companies, DAY).changes == ()
    found = impact(old, new, companies, DAY)
    assert len(found.companies) > 5
    assert found.unread == ()
