"""The version of a catalogue: any content changes it, no order or way of writing does."""

import random
from copy import deepcopy
from decimal import Decimal

import pytest
from small_catalogue import RULES, SERVICE, SMALL, WORDS, load, small

from recommender import Catalogue, Company, Engine
from recommender.catalogue.catalogue import SHOWN_IN_ORDER, catalogue_files
from recommender.tables import data_dir, read_document


def shuffled(node, rng):
    """The same content in another order, but for ranges and for lists that are shown in order."""
    if isinstance(node, dict):
        items = list(node.items())
        rng.shuffle(items)
        kept = (*SHOWN_IN_ORDER, *(["v"] if node.get("op") == "between" else []))
        return {k: v if k in kept else shuffled(v, rng) for k, v in items}
    if isinstance(node, list):
        return rng.sample([shuffled(item, rng) for item in node], len(node))
    return node


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_products_rules_lists_and_files_does_not_matter(seed):
    rng = random.Random(seed)  # noqa: S311 - a shuffle, no secret
    files = {name: shuffled({name: rows}, rng) for name, rows in SMALL.items()}
    turned = Catalogue.from_documents(shuffled(files, rng))
    straight = load(small())
    assert turned.version == straight.version
    assert list(turned.products) == list(straight.products)
    assert turned.stops == straight.stops
    for name in straight.products:
        reasons = [rule.reason for rule in turned.rules(name)]
        assert reasons == [rule.reason for rule in straight.rules(name)]


@pytest.mark.parametrize("seed", range(2))
def test_one_version_of_the_packaged_catalogue_gives_one_answer(seed):
    rng = random.Random(seed)  # noqa: S311 - a shuffle, no secret
    files = {path.name: read_document(path) for path in catalogue_files(None)}
    company = Company.load(data_dir() / "samples" / "farm_machinery.yaml")
    straight, turned = Catalogue.load(), Catalogue.from_documents(shuffled(files, rng))
    assert turned.version == straight.version
    one, other = Engine(straight), Engine(turned)
    asked = {"as_of": "2026-11-23", "include_ineligible": True}
    assert one.recommend(company, **asked) == other.recommend(company, **asked)
    assert (one.products(), one.facts()) == (other.products(), other.facts())


@pytest.mark.parametrize("name", SHOWN_IN_ORDER)
def test_a_list_that_is_shown_in_order_is_content(name):
    place = {"options": "facts", "any": "rules"}.get(name, "products")
    tree = small()
    rows = {"facts": tree["facts"][1], "rules": RULES[2], "products": tree["products"][0]}
    texts = [{"zh": "二", "en": "two"}, {"zh": "一", "en": "one"}]
    if place == "products":
        dated = [{"text": words, "as_of": "2026-01-01"} for words in texts]
        rows[place][name] = dated if name == "legal_notes" else texts
    tree["products"][0]["rules"][2] = rows["rules"] = deepcopy(RULES[2])
    before = load(tree).version
    rows[place][name] = rows[place][name][::-1]
    assert load(tree).version != before


CHANGES = {
    "a product more": lambda tree: tree["products"].append({**SERVICE, "id": "p4"}),
    "a fact more": lambda tree: tree["facts"].append({**tree["facts"][0], "id": "more"}),
    "a stop less": lambda tree: tree["stops"].pop(),
    "name": lambda tree: tree["products"][0].update(name_en="Loans"),
    "Chinese name": lambda tree: tree["products"][0].update(name_zh="借款"),
    "a text": lambda tree: tree["products"][0].update(summary={**WORDS, "en": "other"}),
    "amount": lambda tree: tree["products"][0]["amount"].update(high=3),
    "tenor": lambda tree: tree["products"][0].update(tenor_days={"high": 90}),
    "currency": lambda tree: tree["products"][0].update(currencies=["CNY"]),
    "suspended": lambda tree: tree["products"][0].update(suspended=True),
    "window": lambda tree: tree["products"][0].update(valid_until="2026-12-31"),
    "advance": lambda tree: tree["products"][0]["accepts"]["encd"].update(high=0.7),
    "default advance": lambda tree: tree["products"][0]["accepts"].update(encd=None),
    "hard": lambda tree: tree["products"][0]["rules"][0].update(hard=False),
    "operand": lambda tree: tree["products"][0]["rules"][3].update(v=[30, 91]),
    "operator": lambda tree: tree["products"][0]["rules"][0].update(op="lacks"),
    "option": lambda tree: tree["products"][0]["rules"][1].update(v=["a"]),
    "note": lambda tree: tree["products"][0]["rules"][0].update(note=WORDS),
    "alternative": lambda tree: tree["products"][0]["rules"][2]["any"][0].update(v=2),
    "relation": lambda tree: tree["products"][0]["relations"][0].update(kind="takes_out"),
    "source": lambda tree: tree["products"][0]["sources"]["s"].update(title="u"),
    "provenance": lambda tree: tree["products"][0]["provenance"].update(hs="s"),
    "question": lambda tree: tree["facts"][0].update(question={"zh": "问", "en": "?"}),
    "who answers": lambda tree: tree["facts"][0].update(asked_of="bank"),
    "synonym": lambda tree: tree["documents"][0].update(synonyms=["e"]),
    "issuer": lambda tree: tree["documents"][1].update(issuer="railway"),
    "what it sets": lambda tree: tree["documents"][0].update(sets={"sound": True}),
    "scope": lambda tree: tree["stops"][0].update(scope=["p1"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_content_changes_the_version(change):
    tree = small()
    CHANGES[change](tree)
    assert load(tree).version != load(small()).version


@pytest.mark.parametrize(
    "head",
    [{"schema": 1}, {"as_of": "2027-01-01"}, {"name": {"zh": "目录", "en": "Catalogue"}}],
    ids=lambda head: next(iter(head)),
)
def test_what_a_file_says_of_itself_is_no_content(head):
    assert load({**small(), **head}).version == load(small()).version


def test_a_default_that_is_written_out_is_no_change():
    tree = small()
    tree["products"][0].update(suspended=False, valid_from=None, fit_ceiling=None)
    tree["facts"][0].update(asked_of="company", changeable="no", implied_by=[])
    assert load(tree).version == load(small()).version


def test_a_number_counts_the_same_however_it_is_written():
    tree = small()
    tree["products"][0]["amount"] = {"low": 1.0, "high": Decimal("2.00")}
    tree["products"][0]["rules"][3]["v"] = [30.0, 90.0]
    assert load(tree).version == load(small()).version
