"""How plans are made: limits, weights of the second stage and tables, from data/planning.yaml."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any

from recommender.errors import InvalidParameters
from recommender.records import Day, Name, Record, examined
from recommender.tables import data_dir, read_document
from recommender.vocabulary import Provenance, Stage

FILE = "planning.yaml"


class Limits(Record):
    """Most plans, needs, funding lines, banks, nodes of a search, sensitivities, ways to close."""

    plans: int
    needs: int
    lines: int
    banks: int
    nodes: int
    sensitivities: int
    closings: int


class StageWeights(Record):
    """Points of the second stage; see data/planning.yaml for what each is counted for."""

    exposure: float
    margin: float
    tied: float
    gap: float
    conditional: float
    line: float
    paper: float
    bank: float
    item: float
    hangs: float
    fit: float
    cost: float


class Evidence(Record):
    """What shows that a prerequisite is in place: papers held, facts that are true."""

    documents: tuple[Name, ...]
    facts: tuple[Name, ...]


class Shown(Record):
    """What ties a fact to a trade: papers that name it; else any item of these families."""

    papers: tuple[Name, ...]
    families: tuple[Name, ...]


class SaleTable(Record):
    """What can be one sale: types of collateral that are its forms, facts that are lent on.

    of_exporters: forms that the goods of an importer never are.
    """

    forms: tuple[Name, ...]
    of_exporters: tuple[Name, ...]
    facts: dict[Name, Shown]


class Settings(Record):
    """The content of data/planning.yaml."""

    schema_: int = 1
    as_of: Day
    provenance: Provenance
    limits: Limits
    weights: StageWeights
    plain_hedges: tuple[Name, ...]
    mismatch_hedges: tuple[Name, ...]
    stages: dict[Name, tuple[Stage, ...]]
    evidence: dict[Name, Evidence]
    sales: SaleTable
    kinds: dict[Name, Name]
    outstanding: dict[Name, Name]
    drawable: tuple[Name, ...]

    @property
    def version(self) -> str:
        """Hash of the content."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:12]


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The packaged settings; raises InvalidParameters for a wrong file."""
    raw: dict[str, Any] = dict(read_document(data_dir() / FILE))
    raw["schema_"] = raw.pop("schema", 1)
    found, problems = examined(Settings, raw)
    if problems or found is None:
        raise InvalidParameters(problems)
    return found
