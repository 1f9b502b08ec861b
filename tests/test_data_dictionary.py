"""data/README.md is the dictionary: every field, column and code has an entry, and no other has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from recommender import rules, vocabulary
from recommender.catalogue import product
from recommender.catalogue.catalogue import SECTIONS, Head
from recommender.company.fields import FIELDS
from recommender.company.profile import Company
from recommender.company.relationship import Relationship
from recommender.parameter_files import Advances, Number, Parameter, SizeRow, SizeTable, Source
from recommender.population.company_columns import profile_columns, relationship_columns
from recommender.tables import data_dir, read_document, read_rows
from recommender.texts import label

PAGE = (data_dir() / "README.md").read_text("utf-8")
TABLES = sorted([*data_dir().rglob("*.csv"), *data_dir().rglob("*.csv.gz")])


def rows(heading: str) -> list[list[str]]:
    """Cells of every table row below a heading, up to the next heading of its level or above."""
    start = re.search(rf"^(#+) {re.escape(heading)}$", PAGE, re.MULTILINE)
    assert start, heading
    end = re.compile(rf"^#{{1,{len(start[1])}}} ", re.MULTILINE).search(PAGE, start.end())
    part = PAGE[start.end() : end.start() if end else None]
    lines = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines]


def entries(heading: str) -> dict[str, list[str]]:
    """The rest of each row by the code in its first cell."""
    return {line[0].strip("`"): line[1:] for line in rows(heading) if line[0].startswith("`")}


def model_of(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (model_of(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found), None)


def profile_fields(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and unit of every field of a profile; `[]` for lists, `{}` for mappings."""
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), name
        yield before + name, str(extra["unit"])
        inner, shape = model_of(field.annotation), str(field.annotation)
        if inner is not None:
            mark = "{}" if "dict[" in shape else "[]" if "tuple[" in shape else ""
            yield from profile_fields(inner, f"{before}{name}{mark}.")


PROFILE = dict(profile_fields(Company))


def test_the_walk_reaches_every_depth():
    assert {"id", "trade.routes[].legs", "facts{}.source", "positions[].balances"} <= set(PROFILE)


# --- the profile ---------------------------------------------------------------------------------


def test_every_field_of_a_profile_has_an_entry_with_its_unit_and_no_other_has():
    found = entries("Fields of a profile")
    assert sorted(PROFILE.keys() - found.keys()) == []
    assert {name: line[0] for name, line in found.items()} == PROFILE
    assert all(line[1] and line[3] for line in found.values())


def limits() -> Iterator[tuple[str, int]]:
    for name in PROFILE:
        model: type[BaseModel] | None = Company
        *way, last = re.sub(r"\[\]|\{\}", "", name).split(".")
        for part in way:
            assert model
            model = model_of(model.model_fields[part].annotation)
        assert model
        field = model.model_fields[last]
        several = any(shape in str(field.annotation) for shape in ("tuple[", "dict["))
        for part in field.metadata if several else ():
            if hasattr(part, "max_length"):
                yield name, part.max_length


@pytest.mark.parametrize(("name", "limit"), sorted(limits()))
def test_the_length_of_a_list_is_stated(name, limit):
    assert f"at most {limit:,}" in entries("Fields of a profile")[name][2]


@pytest.mark.parametrize(
    ("heading", "section", "words"),
    [
        ("Directions", "direction", get_args(vocabulary.Direction)),
        ("Modes of transport", "mode", get_args(vocabulary.Mode)),
        ("Incoterms 2020", "incoterm", get_args(vocabulary.Incoterm)),
        ("Settlement methods", "settlement_method", get_args(vocabulary.SettlementMethod)),
        ("Stages of trade", "stage", get_args(vocabulary.Stage)),
        ("Purposes", "purpose", get_args(vocabulary.Purpose)),
        ("Ownership", "ownership", get_args(vocabulary.Ownership)),
        ("Issuers of documents", "issuer", get_args(vocabulary.Issuer)),
        ("Sources of a fact", "fact_source", get_args(vocabulary.FactSource)),
        ("Lanes", "lane", vocabulary.LANES),
        ("Provenance, from strongest to weakest", "provenance", vocabulary.PROVENANCES),
        ("Operators", "operator", get_args(vocabulary.Operator)),
        ("Amount formulas", "formula", get_args(vocabulary.AmountFormula)),
        ("Size classes", "size_class", get_args(vocabulary.SizeClass)),
    ],
)
def test_every_code_of_a_vocabulary_has_an_entry_with_its_labels(heading, section, words):
    pairs = {word: label(f"{section}.{word}") for word in words}
    assert entries(heading) == {word: [pair.en, pair.zh] for word, pair in pairs.items()}
    assert list(entries(heading)) == list(words)


def test_every_bucket_has_an_entry_with_its_days():
    found = entries("Buckets of days to settlement")
    assert list(found) == list(vocabulary.BUCKET_DAYS)
    for name, (first, last) in vocabulary.BUCKET_DAYS.items():
        assert found[name][0] == (f"{first} to {last}" if last < 36_500 else f"{first} and more")


def test_every_type_of_collateral_has_an_entry_with_its_family():
    words = {"true": "yes", "false": "no"}
    path = data_dir() / "reference" / "collateral_types.csv"
    table = {
        row["type"]: [
            f"`{row['family']}`",
            row["label_en"],
            row["label_zh"],
            words[row["counts_in_coverage"]],
            words[row["needs_control"]],
        ]
        for row in (line.values for line in read_rows(path))
    }
    assert entries("Collateral: types and families") == table


def test_every_field_a_rule_may_ask_has_an_entry():
    found = entries("What rules may ask of a profile")
    assert found == {
        field.id: [field.kind, field.unit, field.name.zh, field.name.en] for field in FIELDS
    }


# --- the catalogue -------------------------------------------------------------------------------

PARTS = "Ranges, relations, sources, legal notes"


@pytest.mark.parametrize(
    ("heading", "models"),
    [
        ("`products`", [product.Product]),
        ("Rules", [rules.Rule]),
        ("`stops`: rules common to many products", [rules.Stop]),
        ("`facts`: the questions", [product.FactDefinition, rules.Implication]),
        ("`documents`: the papers", [product.DocumentDefinition]),
        (PARTS, [product.Range, product.Relation, product.Source, product.LegalNote]),
    ],
)
def test_every_field_of_a_catalogue_has_an_entry_and_no_other_has(heading, models):
    found = entries(heading)
    fields = {name for model in models for name in model.model_fields}
    shared = {*rules.Rule.model_fields, "label", "id"}
    assert sorted(fields - found.keys() - (shared if models != [rules.Rule] else set())) == []
    assert sorted(found.keys() - fields) == []
    assert all(all(line) for line in found.values())


@pytest.mark.parametrize("model", SECTIONS.values(), ids=lambda model: model.__name__)
def test_what_is_required_says_so(model):
    heading = {
        "Product": "`products`",
        "FactDefinition": "`facts`: the questions",
        "DocumentDefinition": "`documents`: the papers",
        "Stop": "`stops`: rules common to many products",
    }[model.__name__]
    found = entries(heading)
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    assert needed == {name for name, line in found.items() if line[0].endswith("required")} & set(
        model.model_fields
    )


def test_every_key_of_a_catalogue_file_has_an_entry():
    named = {
        key for cells in rows("The catalogue")[1:5] for key in re.findall(r"`(\w+)`", cells[0])
    }
    assert named == {"schema", *Head.model_fields, *SECTIONS}


# --- tables, parameters, texts -------------------------------------------------------------------


def test_every_column_of_every_table_has_an_entry_and_no_other_has():
    assert TABLES
    columns = {
        (path.name, column) for path in TABLES for column in next(iter(read_rows(path))).values
    }
    found = [(line[0].strip("`"), line[1].strip("`")) for line in rows("Tables")[1:]]
    assert sorted(found) == sorted(columns)
    assert all(line[2] for line in rows("Tables"))


def test_every_field_of_a_parameter_file_has_an_entry_and_no_other_has():
    models = (Parameter, Advances, Number, SizeTable, SizeRow, Source)
    fields = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert sorted(entries("Dated parameters")) == sorted({*fields, "weights"})


def test_every_text_file_has_an_entry_and_no_other_has():
    files = [path.name for path in sorted((data_dir() / "texts").iterdir())]
    assert list(entries("Texts")) == files


def test_every_folder_has_an_entry_and_a_page_of_its_own_where_it_says_so():
    folders = {f"{path.name}/" for path in data_dir().iterdir() if path.is_dir()}
    found = entries("The data dictionary")
    assert folders <= found.keys()
    pages = re.findall(r"`([\w/]+README\.md)`", PAGE)
    assert pages
    assert [page for page in pages if not (data_dir() / page).is_file()] == []


def test_every_parameter_file_is_named():
    files = [path.name for path in (data_dir() / "parameters").iterdir() if path.suffix != ".md"]
    assert [name for name in files if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("path", sorted((data_dir() / "catalogue").glob("*.yaml")), ids=Path)
def test_a_catalogue_file_uses_only_what_has_an_entry(path):
    known = {"schema", *Head.model_fields, *SECTIONS}
    document = read_document(path)
    assert set(document) <= known


def test_every_column_of_a_table_of_companies_has_an_entry():
    expected = {
        name: [column.kind, column.short or "", unit_of(name)]
        for name, column in {**profile_columns(), **relationship_columns()}.items()
    }
    assert entries("Columns of a table of companies") == expected


def unit_of(name: str) -> str:
    if name in Relationship.model_fields:
        return str(Relationship.model_fields[name].json_schema_extra["unit"])
    marked = {re.sub(r"\[\]|\{\}", "", field): unit for field, unit in PROFILE.items()}
    return marked[name]


def test_every_relationship_field_has_a_meaning():
    found = entries("What a bank knows beside the profile")
    assert {name: line[0] for name, line in found.items()} == {
        name: str(field.description) for name, field in Relationship.model_fields.items()
    }
    labels = {n: f.json_schema_extra["label_zh"] for n, f in Relationship.model_fields.items()}
    assert {name: line[1] for name, line in found.items()} == labels
