"""The packaged catalogue and its labels: what the models cannot see of single records."""

from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from recommender import vocabulary
from recommender.catalogue.product import DocumentDefinition, FactDefinition, Product, Relation
from recommender.company.fields import BY_ID
from recommender.rules import Predicate, Rule, Stop
from recommender.tables import data_dir, read_document, read_rows

FOLDER = data_dir() / "catalogue"
RAW = {name: read_document(FOLDER / f"{name}.yaml") for name in ("facts", "documents", "stops")}
FILES = {
    path.stem: read_document(path) for path in sorted(FOLDER.glob("*.yaml")) if path.stem not in RAW
}
ROWS = [row for tree in FILES.values() for row in tree["products"]]
PRODUCTS = {row["id"]: Product.model_validate(row) for row in ROWS}
FACTS = {row["id"]: FactDefinition.model_validate(row) for row in RAW["facts"]["facts"]}
DOCUMENTS = {
    row["id"]: DocumentDefinition.model_validate(row) for row in RAW["documents"]["documents"]
}
STOPS = [Stop.model_validate(row) for row in RAW["stops"]["stops"]]
LABELS = read_document(data_dir() / "texts" / "labels.yaml")
HOSTS = [row.values for row in read_rows(data_dir() / "reference" / "source_hosts.csv")]
PUBLIC = ("article", "first_hand", "secondary")

ALL = pytest.mark.parametrize("item", PRODUCTS.values(), ids=PRODUCTS.keys())


def rules() -> Iterator[Rule]:
    for item in PRODUCTS.values():
        yield from item.rules
    yield from STOPS


def predicates() -> list[Predicate]:
    return [predicate for rule in rules() for predicate in rule.predicates]


def operands(predicate: Predicate) -> tuple[Any, ...]:
    if predicate.v is None:
        return ()
    return predicate.v if isinstance(predicate.v, tuple) else (predicate.v,)


def han(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)


def bilinguals(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(node, dict) and {"zh", "en"} & set(node):
        yield place, node
    elif isinstance(node, dict):
        for key, inner in node.items():
            yield from bilinguals(inner, f"{place}.{key}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from bilinguals(inner, f"{place}[{number}]")


def relies_on_goods(item: Product) -> bool:
    return item.family in ("title_document", "goods_pledge")


def papers_of(item: Product) -> list[set[str]]:
    """For each hard rule on papers, the papers that satisfy it."""
    asked = [
        predicate
        for rule in item.rules
        for predicate in rule.predicates
        if rule.hard and predicate.f in ("documents", "document_issuers")
    ]
    return [{str(value).partition(":")[0] for value in operands(p)} for p in asked]


def listed_status(url: str) -> str | None:
    """What the list of hosts says of an address; None when it is not listed."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    for row in HOSTS:
        name = row["host"].removeprefix("www.")
        on_host = host == name or host.endswith(f".{name}")
        if on_host and parts.path.startswith(row["path_prefix"] or ""):
            return str(row["status"])
    return None


def unsound_sources(item: Product) -> list[str]:
    return [
        key
        for key, source in item.sources.items()
        if source.url
        and listed_status(source.url)
        and source.quality not in ("secondary", "illustrative")
    ]


def test_every_lane_has_a_product():
    assert {item.lane for item in PRODUCTS.values()} == set(vocabulary.LANES)


def test_ids_are_unique():
    for section, rows in (
        *((k, v[k]) for k, v in RAW.items() if k != "stops"),
        ("products", ROWS),
    ):
        ids = [row["id"] for row in rows]
        assert len(ids) == len(set(ids)), section


@pytest.mark.parametrize(
    "tree", [*FILES.values(), *RAW.values(), LABELS], ids=[*FILES, *RAW, "labels"]
)
def test_every_text_is_in_both_languages(tree):
    pairs = list(bilinguals(tree))
    assert pairs
    for place, pair in pairs:
        assert set(pair) == {"zh", "en"}, place
        assert all(isinstance(text, str) and text.strip() for text in pair.values()), place
        assert not han(pair["en"]), f"{place}: Chinese in the English text"


@pytest.mark.parametrize("name", [*FILES, *RAW])
def test_chinese_texts_are_chinese(name):
    for place, pair in bilinguals(read_document(FOLDER / f"{name}.yaml")):
        assert han(pair["zh"]), place
        assert not any(mark in pair["zh"] for mark in ",;?!"), f"{place}: half-width punctuation"


@ALL
def test_names_and_keywords_are_in_both_languages(item):
    assert han(item.name_zh)
    assert not han(item.name_en)
    assert any(map(han, item.keywords))
    assert not all(map(han, item.keywords))


@ALL
def test_no_text_quotes_a_rate(item):
    texts = [item.summary, *item.notes, *item.public_facts]
    assert not [t for t in texts if "利率" in t.zh or "interest rate" in t.en.lower()]


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS.keys())
def test_every_fact_is_used_by_a_rule(fact):
    asked = {name for p in predicates() for name in (p.f, p.v_field) if name}
    rests = {name for field in asked & BY_ID.keys() for name in BY_ID[field].facts}
    assert fact.id in asked | rests


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS.keys())
def test_every_fact_says_how_it_can_be_changed(fact):
    assert (fact.effort is None) == (fact.changeable == "no")
    assert "？" in fact.question.zh
    assert "?" in fact.question.en


def test_every_rule_asks_a_fact_or_a_field():
    for predicate in predicates():
        names = [predicate.f, *([predicate.v_field] if predicate.v_field else [])]
        for name in names:
            assert name in FACTS or name in BY_ID, name


def test_every_implication_asks_a_field_and_gives_an_answer():
    for fact in FACTS.values():
        for implication in fact.implied_by:
            assert implication.f in BY_ID
            if fact.type == "flag":
                assert isinstance(implication.value, bool)
            if fact.type == "choice":
                assert implication.value in [option.id for option in fact.options]


def test_every_choice_in_a_rule_is_an_option():
    for predicate in predicates():
        fact = FACTS.get(predicate.f)
        if fact is not None and fact.options:
            assert set(operands(predicate)) <= {option.id for option in fact.options}, fact.id


@ALL
def test_every_document_required_exists(item):
    assert set(item.documents) <= set(DOCUMENTS)
    assert len(item.documents) == len(set(item.documents))


def test_documents_of_rules_and_facts_exist():
    named = {paper for item in PRODUCTS.values() for papers in papers_of(item) for paper in papers}
    named |= {fact.document for fact in FACTS.values() if fact.document}
    assert named <= set(DOCUMENTS)


def test_document_names_are_unique_whatever_their_case():
    names = [
        name
        for document in DOCUMENTS.values()
        for name in {n.casefold() for n in (document.id, *document.synonyms)}
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_documents_name_known_issuers_and_facts(document):
    assert document.issuer is None or document.issuer in get_args(vocabulary.Issuer)
    assert set(document.sets) <= set(FACTS)
    assert document.id == document.id.upper()


def test_transport_documents_are_issued_before_the_goods_leave():
    for document in DOCUMENTS.values():
        if document.kind == "transport":
            assert set(document.obtainable_in) == {
                "pre_shipment",
                "before_departure",
                "import_order",
            }


def test_of_transport_documents_only_the_negotiable_bill_is_a_document_of_title():
    titles = {d.id: d.kind for d in DOCUMENTS.values() if d.character == "title"}
    assert titles == {"OCEAN_BL": "transport", "WAREHOUSE_RECEIPT": "trade"}
    for name in ("RAIL_WAYBILL", "SEA_WAYBILL", "ROAD_WAYBILL", "AIR_WAYBILL"):
        assert DOCUMENTS[name].character == "none"


@ALL
def test_every_relation_resolves_to_another_product(item):
    for relation in item.relations:
        assert set(relation.any_of) <= set(PRODUCTS) - {item.id}


@ALL
def test_substitutes_are_mutual(item):
    for relation in item.relations:
        if relation.kind == "substitutes":
            for other in relation.any_of:
                back = [r for r in PRODUCTS[other].relations if r.kind == "substitutes"]
                assert item.id in {name for r in back for name in r.any_of}


def test_a_pledge_of_goods_or_documents_needs_cargo_insurance():
    pledged = [item for item in PRODUCTS.values() if relies_on_goods(item)]
    assert pledged
    for item in pledged:
        needed = [r.any_of for r in item.relations if r.kind == "prerequisite"]
        if item.stages == ("stock",):
            assert "STOCK_INSURANCE_POLICY" in item.documents
            assert "stock_bank_loss_payee" in {p.f for r in item.rules for p in r.predicates}
        else:
            assert ("ins-multimodal-cargo",) in needed


@ALL
def test_provenance_speaks_of_things_the_product_has(item):
    raw = item.model_dump(mode="json")
    for path in item.provenance:
        node: Any = raw
        for part in path.split("."):
            if isinstance(node, list):
                assert part in node, path
                break
            assert part in node, path
            node = node[part]
        assert node not in (None, [], {}), path


@ALL
def test_a_product_with_sources_says_what_they_attest(item):
    used = set(item.provenance.values()) | {rule.src for rule in item.rules}
    assert bool(item.sources) == bool(used & set(item.sources))


@ALL
def test_a_public_scope_is_the_only_one_that_gates(item):
    for field in ("routes", "hs"):
        if getattr(item, field) is not None:
            assert item.provenance_of(field) == "illustrative"


@ALL
def test_no_listed_host_passes_as_a_good_source(item):
    assert unsound_sources(item) == []


def test_the_check_of_hosts_can_fail():
    raw = next(row for row in ROWS if row["id"] == "fxh-forward")
    sources = {**raw["sources"], "p2": {**raw["sources"]["p2"], "quality": "first_hand"}}
    assert unsound_sources(Product.model_validate({**raw, "sources": sources})) == ["p2"]


def test_article_sources_carry_no_address():
    for item in PRODUCTS.values():
        for source in item.sources.values():
            assert source.quality != "article" or source.url is None


AGREED = "control_document_agreed"


def waybill_gaps(item: Product) -> list[str]:
    """How a waybill could satisfy a product that relies on goods or title.

    Before the goods leave there is no document yet: then the contract must call for one.
    """
    papers = papers_of(item)
    open_rules = [name for allowed in papers for name in sorted(allowed)]
    weak = [name for name in open_rules if DOCUMENTS[name].character == "none"]
    agreed = item.stages == ("import_order",) and any(r.f == AGREED and r.hard for r in item.rules)
    return weak if papers or agreed else ["no hard rule on a document"]


PLEDGES = [item.id for item in PRODUCTS.values() if relies_on_goods(item)]


@pytest.mark.parametrize("name", PLEDGES)
def test_no_waybill_satisfies_a_pledge_of_goods_or_title(name):
    assert waybill_gaps(PRODUCTS[name]) == []


@pytest.mark.parametrize("name", PLEDGES)
def test_the_check_of_waybills_can_fail(name):
    raw = next(row for row in ROWS if row["id"] == name)
    waybill = {"f": "documents", "op": "overlaps", "v": ["RAIL_WAYBILL"]}
    assert waybill_gaps(Product.model_validate({**raw, "rules": [*raw["rules"], waybill]}))
    bare = [r for r in raw["rules"] if not str(r.get("f")).startswith(("document", AGREED))]
    assert waybill_gaps(Product.model_validate({**raw, "rules": bare}))


def test_stops_hold_for_loaded_products_and_name_a_provenance():
    for stop in STOPS:
        assert stop.src in vocabulary.PROVENANCES
        assert stop.scope == "all" or set(stop.scope) <= set(PRODUCTS)


def test_screening_and_bank_answer_their_own_questions():
    asked = {fact.id: fact.asked_of for fact in FACTS.values()}
    for name in ("screening_result", "dual_use_unlicensed", "dishonest_debtor_list"):
        assert asked[name] == "screening"
    for name in (
        "credit_line",
        "margin_or_derivative_line_or_guarantee",
        "trade_background_rejected",
    ):
        assert asked[name] == "bank"


@pytest.mark.parametrize(
    "name",
    ["goods_shipped", "goods_departed", "policy_effective_before_shipment", "has_eci_policy"],
)
def test_what_cannot_be_undone_is_never_offered_as_a_change(name):
    assert FACTS[name].changeable == "no"


@pytest.mark.parametrize(
    "item", [p for p in PRODUCTS.values() if p.lane == "financing"], ids=lambda p: p.id
)
def test_every_loan_asks_for_the_papers_a_bank_always_wants(item):
    always = {
        "ARTICLES_OF_ASSOCIATION",
        "SHAREHOLDER_REGISTER",
        "BENEFICIAL_OWNER_STATEMENT",
        "ANNUAL_ACCOUNTS",
        "CURRENT_ACCOUNTS",
        "VAT_RETURNS",
        "BANK_STATEMENTS",
        "CREDIT_REPORT_AUTHORISATION",
        "ENFORCEMENT_SEARCH",
    }
    assert always <= set(item.documents)


def test_the_lessons_of_practice_are_in():
    packing, rebate = PRODUCTS["exp-packing"], PRODUCTS["exp-taxrebate"]
    assert [
        float(x) for x in (packing.accepts["export_lc"].low, packing.accepts["export_lc"].high)
    ] == [0.7, 0.8]
    assert "rebate_refundable_confirmed_cny.at_least" in [rule.reason for rule in rebate.rules]
    assert PRODUCTS["doc-tdtr"].family == "goods_pledge"
    assert len(PRODUCTS["doc-encd"].legal_notes) == 3
    assert PRODUCTS["fund-corridor"].fit_ceiling == "conditional"
    centre = PRODUCTS["prg-centre"]
    assert centre.rules == ()
    assert centre.provenance_of("directions") == "article"


def literals() -> dict[str, tuple[str, ...]]:
    def of(model: Any, field: str) -> tuple[str, ...]:
        kind = model.model_fields[field].annotation
        inner = next((a for a in get_args(kind) if get_args(a)), kind)
        return get_args(inner)

    return {
        "direction": get_args(vocabulary.Direction),
        "mode": get_args(vocabulary.Mode),
        "incoterm": get_args(vocabulary.Incoterm),
        "settlement_method": get_args(vocabulary.SettlementMethod),
        "stage": get_args(vocabulary.Stage),
        "bucket": get_args(vocabulary.Bucket),
        "purpose": get_args(vocabulary.Purpose),
        "ownership": get_args(vocabulary.Ownership),
        "issuer": get_args(vocabulary.Issuer),
        "fact_source": get_args(vocabulary.FactSource),
        "lane": get_args(vocabulary.Lane),
        "provenance": get_args(vocabulary.Provenance),
        "operator": get_args(vocabulary.Operator),
        "asked_of": get_args(vocabulary.AskedOf),
        "changeable": get_args(vocabulary.Changeable),
        "size_class": get_args(vocabulary.SizeClass),
        "formula": get_args(vocabulary.AmountFormula),
        "covers": of(Product, "covers"),
        "fact_type": of(FactDefinition, "type"),
        "document_kind": of(DocumentDefinition, "kind"),
        "document_character": of(DocumentDefinition, "character"),
        "obtained_from": of(DocumentDefinition, "obtained_from"),
        "relation": of(Relation, "kind"),
        "origin": of(Rule, "origin"),
        "fit": ("eligible", "conditional", "near_miss", "ineligible"),
        "outcome": ("taken", "declined", "withdrawn", "no_answer", "refused_by_bank"),
    }


@pytest.mark.parametrize(("section", "codes"), literals().items(), ids=literals().keys())
def test_every_code_has_a_label_and_no_label_is_left_over(section, codes):
    assert codes
    assert set(LABELS[section]) == set(codes)


@ALL
def test_families_categories_and_units_have_labels(item):
    assert item.family in LABELS["family"]
    assert item.category in LABELS["category"]


def test_families_of_collateral_and_units_of_facts_have_labels():
    kinds = read_rows(data_dir() / "reference" / "collateral_types.csv")
    assert {row.values["family"] for row in kinds} <= set(LABELS["family"])
    units = {fact.unit for fact in FACTS.values() if fact.unit} - {"CNY", "USD"}
    assert units <= set(LABELS["unit"])


@pytest.mark.parametrize("name", [*FILES, *RAW])
def test_no_code_turned_into_a_boolean(name):
    def keys(node: Any) -> Iterator[Any]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        yield from node if isinstance(node, dict) else ()
        for part in inner:
            yield from keys(part)

    assert all(isinstance(key, str) for key in keys(read_document(FOLDER / f"{name}.yaml")))


def test_working_capital_is_lent_for_working_capital_alone():
    stop = next(s for s in STOPS if s.f == "need.purpose")
    own = {p.id for p in PRODUCTS.values() if "need.purpose" in {r.f for r in p.rules}}
    lent = {p.id for p in PRODUCTS.values() if p.lane == "financing"}
    assert set(stop.scope) == lent - own
    others = set(get_args(vocabulary.Purpose)) - {"working_capital"}
    assert set(operands(stop.predicates[0])) == others


def test_nobody_is_sold_a_policy_twice_nor_lent_on_goods_that_may_not_leave():
    assert "has_eci_policy.lacks" in [r.reason for r in PRODUCTS["eci-st-policy"].rules]
    assert "export_permission_missing.lacks" in [r.reason for r in PRODUCTS["exp-packing"].rules]


def test_what_the_insurance_rows_say_is_not_asked():
    for name in ("has_eci_policy", "premium_paid_and_declared", "buyer_limit_available"):
        assert {item.f for item in FACTS[name].implied_by} == {"insurance"}
