"""The catalogue: products, facts, documents and common stops, validated as a whole.

Everything is checked before anything is used, and every problem is reported at once with its
file, row, field, value and what is allowed; an invalid catalogue loads nothing. The version is
the hash of the content: the order of files, rows and lists does not matter to it, except where
answers show a list as it stands (alternatives, options, notes).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from json.encoder import encode_basestring
from operator import is_
from pathlib import Path
from typing import Any, NoReturn, Self

from recommender.catalogue.checks import cross_checks
from recommender.catalogue.columns import SECTIONS, Head
from recommender.catalogue.contradictions import Contradictions, worded
from recommender.catalogue.files import catalogue_files, read_files
from recommender.catalogue.gates import gates_of
from recommender.catalogue.product import DocumentDefinition, FactDefinition, Product
from recommender.catalogue.tables import Tabular
from recommender.company.profile import Company, Fact, Paper
from recommender.errors import InvalidCatalogue, NotFound, Problem, UnreadableFile
from recommender.records import Record, day_of, examined, handy, unknown_field
from recommender.rules import Rule, Stop
from recommender.tables import without_collection

SCHEMA = 1
_RULE = re.compile(r"products\[.*\]\.rules\[(\d+)\]")


@dataclass(frozen=True)
class Placed:
    """A record with where it was read."""

    record: Any
    file: str
    row: int


class Catalogue:
    """A valid catalogue; immutable.

    products: by id; facts and documents: the dictionaries, by id; stops: rules common to many.
    """

    def __init__(
        self,
        products: Iterable[Product],
        facts: Iterable[FactDefinition] = (),
        documents: Iterable[DocumentDefinition] = (),
        stops: Iterable[Stop] = (),
    ) -> None:
        sections = {"products": products, "facts": facts, "documents": documents, "stops": stops}
        placed = {
            section: [Placed(record, "", row) for row, record in enumerate(records, start=1)]
            for section, records in sections.items()
        }
        self._fill(placed)

    def _fill(self, placed: Mapping[str, list[Placed]]) -> None:
        problems = list(cross_checks(placed))
        rules = _gathered(placed, problems)
        problems += _impossible(placed, rules)
        if problems:
            raise InvalidCatalogue(problems)
        records = {name: [item.record for item in items] for name, items in placed.items()}
        self.products: dict[str, Product] = _by_id(records["products"])
        self.facts: dict[str, FactDefinition] = _by_id(records["facts"])
        self.documents: dict[str, DocumentDefinition] = _by_id(records["documents"])
        self.stops = tuple(sorted(records["stops"], key=lambda stop: (stop.reason, _text(stop))))
        self._document_ids = {
            name.casefold(): d.id for d in self.documents.values() for name in (d.id, *d.synonyms)
        }
        self._rules = rules
        self.version = _hash(records)

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """The catalogue of a folder or file; of the packaged data when no path is given.

        Raises UnreadableFile, or InvalidCatalogue with every problem of every file.
        """
        return cls.from_files(catalogue_files(path))

    @classmethod
    def from_files(cls, files: Iterable[Path]) -> Self:
        """One catalogue from the sections of several files."""

        def refuse(_: Path, error: UnreadableFile) -> NoReturn:
            raise error

        return cls.from_documents(read_files(files, refuse))

    @classmethod
    def from_documents(cls, documents: Mapping[str, Any]) -> Self:
        """One catalogue from plain values by file name."""
        with without_collection():
            placed, problems, unread = read_sections(documents)
            if problems:
                found = [*problems, *cross_checks(placed, unread)]
                found += _impossible(placed, _gathered(placed, found))
                raise InvalidCatalogue(located(found, documents))
            catalogue = cls.__new__(cls)
            try:
                catalogue._fill(placed)
            except InvalidCatalogue as error:
                raise InvalidCatalogue(located(error.problems, documents)) from None
            return catalogue

    def document(self) -> dict[str, Any]:
        """The whole catalogue as one document of plain values; what is default is left out."""
        sections = (self.products, self.facts, self.documents)
        rows = [*(list(section.values()) for section in sections), list(self.stops)]
        plain = {
            name: [record.model_dump(exclude_defaults=True) for record in records]
            for name, records in zip(SECTIONS, rows, strict=True)
        }
        return {"schema": SCHEMA, **plain}

    def product(self, product_id: str) -> Product:
        """A product by id; raises NotFound."""
        if product_id not in self.products:
            raise NotFound(kind="product", id=product_id)
        return self.products[product_id]

    def rules(self, product_id: str) -> tuple[Rule, ...]:
        """Gates, common stops and own rules of a product, in a fixed order."""
        return self._rules[product_id]

    def document_id(self, name: str) -> str | None:
        """The id of a document given by id or synonym, case aside; None when unknown."""
        return self._document_ids.get(name.casefold())

    def normalised(self, company: Company) -> Company:
        """The company with documents named by their ids; unknown names stay as they are."""
        held = company.documents or ()
        papers = tuple(self._by_id(paper) for paper in held)
        if all(map(is_, papers, held)):
            return company
        return company.model_copy(update={"documents": papers})

    def _by_id(self, paper: Paper) -> Paper:
        known = self.document_id(paper.type)
        if known is None or known == paper.type:
            return paper
        return paper.model_copy(update={"type": known})

    def fact_value(self, company: Company, fact_id: str) -> Fact | None:
        """What the company's record says of a fact; None when it says nothing."""
        fact = (company.facts or {}).get(fact_id)
        return None if fact is None or fact.value is None else fact


def common_head(documents: Mapping[str, Any]) -> dict[str, Any]:
    """What files say of themselves, as one: the oldest day of checking, a name all agree on."""
    heads = [document for document in documents.values() if isinstance(document, Mapping)]
    days = [day for day in (day_of(head.get("as_of")) for head in heads) if day]
    names = [head["name"] for head in heads if head.get("name")]
    named = {"name": names[0]} if names and all(name == names[0] for name in names) else {}
    return {**({"as_of": min(days)} if days else {}), **named}


def _gathered(
    placed: Mapping[str, list[Placed]], problems: Sequence[Problem]
) -> dict[str, tuple[Rule, ...]]:
    """Gates, common stops and own rules of every product, in a fixed order.

    Rules with problems are left out, and so are products with problems elsewhere.
    """
    wrong = {(p.file or "", p.row, at[1]) for p in problems if (at := _RULE.match(p.field))}
    rest = [p for p in problems if not _RULE.match(p.field)]
    faulty = {(p.field.partition("[")[0], p.file or "", p.row) for p in rest}
    stops = [i.record for i in placed["stops"] if ("stops", i.file, i.row) not in faulty]
    stops = sorted(stops, key=lambda stop: (stop.reason, _text(stop)))
    scopes = [(stop, None if stop.scope == "all" else {*stop.scope}) for stop in stops]
    found: dict[str, tuple[Rule, ...]] = {}
    for item in placed["products"]:
        product: Product = item.record
        if ("products", item.file, item.row) not in faulty:
            common = (stop for stop, scope in scopes if scope is None or product.id in scope)
            rules = enumerate(product.rules)
            sound = [r for i, r in rules if (item.file, item.row, str(i)) not in wrong]
            own = sorted(sound, key=lambda rule: rule.reason)
            sourced = (rule.model_copy(update={"src": product.resolve(rule.src)}) for rule in own)
            found[product.id] = (*gates_of(product), *common, *sourced)
    return found


def _impossible(
    placed: Mapping[str, list[Placed]], rules: Mapping[str, tuple[Rule, ...]]
) -> Iterator[Problem]:
    """Products whose rules can never all be met, each with the rules that exclude each other."""
    search = Contradictions({item.record.id: item.record for item in placed["facts"]})
    for item in placed["products"]:
        name = item.record.id
        core = search.among(rules.get(name, ()))
        if core:
            reasons = [rule.reason for rule in item.record.rules]
            own = [reasons.index(r.reason) for r in core if r.origin == "rule"]
            place = f"products[{name}]" + (f".rules[{max(own)}]" if own else "")
            params = {"rules": list(worded(core))}
            yield Problem(
                "rules_contradict", place, None, None, params, item.file or None, item.row
            )


def located(problems: Iterable[Problem], documents: Mapping[str, Any]) -> list[Problem]:
    """Problems with the cell they stand in, where a document was read from tables."""
    return [
        document.located(problem)
        if isinstance(document := documents.get(problem.file or ""), Tabular)
        else problem
        for problem in problems
    ]


def read_sections(
    documents: Mapping[str, Any],
) -> tuple[dict[str, list[Placed]], list[Problem], set[tuple[str, str]]]:
    """Records by section with their places, the problems of single records, and what is unread.

    A record with problems is there without the parts at fault, so that the checks across records
    see the rest of it; where that is not possible its section and id are among the unread.
    """
    placed: dict[str, list[Placed]] = {name: [] for name in SECTIONS}
    problems: list[Problem] = []
    unread: set[tuple[str, str]] = set()
    for file, document in documents.items():
        if not isinstance(document, Mapping):
            problems.append(Problem("not_record", value=handy(document), file=file))
            continue
        problems += getattr(document, "problems", ())
        problems += [replace(problem, file=file) for problem in _head_problems(document)]
        for section in (name for name in SECTIONS if name in document):
            rows = document[section]
            if not isinstance(rows, list):
                problems.append(Problem("not_list", section, handy(rows), file=file))
                continue
            for number, row in enumerate(rows, start=1):
                name = _name(row, number)
                record, found = examined(SECTIONS[section], row, f"{section}[{name}]")
                problems += [replace(problem, file=file, row=number) for problem in found]
                if record is None:
                    unread.add((section, name))
                    record = _stand_in(row, name) if section == "products" else None
                if record is not None:
                    placed[section].append(Placed(record, file, number))
    return placed, problems, unread


def _stand_in(row: Any, name: str) -> Product | None:
    """A product for the checks across records alone: what is required and at fault is made up."""
    if not isinstance(row, Mapping):
        return None
    whole, _ = examined(Product, {**row, **_MADE_UP})
    return None if whole is None else whole.model_copy(update={"id": name})


_WORDS = {"zh": "-", "en": "-"}
_MADE_UP = {
    "id": "unread",
    "name_zh": "-",
    "name_en": "-",
    "lane": "service",
    "category": "-",
    "provider": _WORDS,
    "summary": _WORDS,
    "family": "-",
    "formula": "none",
    "currencies": [],
}


def _head_problems(document: Mapping[str, Any]) -> list[Problem]:
    names = ["schema", *Head.model_fields, *SECTIONS]
    head = {key: value for key, value in document.items() if key in Head.model_fields}
    problems = examined(Head, head)[1]
    if document.get("schema", SCHEMA) != SCHEMA:
        problems.append(Problem("not_one_of", "schema", handy(document["schema"]), [SCHEMA]))
    for key in document.keys() - {*names}:
        problems.append(unknown_field(str(handy(key)), names, str(handy(key))))
    return problems


def _name(row: Any, number: int) -> str:
    """The id of a row, or its number when there is no id to show."""
    name = row.get("id") if isinstance(row, Mapping) else None
    return name if isinstance(name, str) and 0 < len(name) <= 64 else str(number)


def _by_id(records: Iterable[Any]) -> dict[str, Any]:
    return {record.id: record for record in sorted(records, key=lambda record: record.id)}


def _hash(records: Mapping[str, list[Record]]) -> str:
    plain = {name: [_plain(record) for record in rows] for name, rows in records.items()}
    return hashlib.sha256(_written(plain).encode()).hexdigest()[:12]


def _text(record: Record) -> str:
    return _written(_plain(record))


def _plain(record: Record) -> Any:
    return record.model_dump(exclude_defaults=True)


SHOWN_IN_ORDER = ("any", "legal_notes", "notes", "options", "public_facts")


def _written(value: Any, name: str = "") -> str:
    """JSON in one form: lists in one order, but for those that answers show in the file's order.

    A number is written the same however the file wrote it: 5, 5.0 and 5.00 are one number.
    """
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        items = [
            f"{encode_basestring(k)}: {encode_basestring(v) if type(v) is str else _written(v, k)}"
            for k, v in sorted(value.items())
        ]
        return f"{{{', '.join(items)}}}"
    if isinstance(value, (list, tuple)):
        parts = [encode_basestring(v) if type(v) is str else _written(v) for v in value]
        return f"[{', '.join(parts if name in SHOWN_IN_ORDER else sorted(parts))}]"
    if isinstance(value, Decimal):
        return f'"{value.normalize():f}"'
    if isinstance(value, datetime.date):
        return f'"{value.isoformat()}"'
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value)
