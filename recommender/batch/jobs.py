"""A run as plain JSON: all that a process on any machine needs to do a partition of it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender import __about__
from recommender.batch.inputs import Input, Part
from recommender.batch.schema import VERSIONS
from recommender.catalogue import Catalogue
from recommender.catalogue.files import as_json
from recommender.errors import InvalidInput, Problem
from recommender.matching.scoring import Weights, digest
from recommender.parameters import Parameters

FORMAT = 1


class OtherVersions(InvalidInput):
    """A process that would answer otherwise than the one that started the run."""

    code = "batch_other_versions"


@dataclass(frozen=True)
class Model:
    """What answers: a catalogue, weights, and a folder of dated parameters or the packaged one."""

    catalogue: Catalogue
    weights: Weights
    parameters: Path | None = None

    def versions(self) -> dict[str, str]:
        """The versions of everything an answer hangs on."""
        return {
            "catalogue_version": self.catalogue.version,
            "model_version": self.weights.version,
            "engine_version": __about__.__version__,
            "parameters_version": Parameters.load(self.parameters).version,
        }


@dataclass(frozen=True)
class Asked:
    """What is asked of a run. top: products by lane; partition_rows: companies in a partition."""

    as_of: datetime.date
    top: int = 10
    partition_rows: int = 5_000


@dataclass(frozen=True)
class Job:
    """One run. identity: what its bytes follow from; source, out: places by path or URI."""

    identity: Mapping[str, Any]
    source: str
    out: str
    parts: tuple[Part, ...]
    catalogue: Mapping[str, Any]
    weights: Mapping[str, Any]
    parameters: str | None

    @classmethod
    def of(cls, model: Model, asked: Asked, given: Input, source: str, out: str) -> Job:
        """A run on an input that was looked over. source, out: places by path or URI."""
        files = [{"file": f.name, "rows": f.rows, "sha256": f.sha256} for f in given.files]
        identity = {
            "format": FORMAT,
            "input": files,
            "as_of": asked.as_of.isoformat(),
            "top": asked.top,
            "partition_rows": asked.partition_rows,
            **model.versions(),
        }
        catalogue = json.loads(as_json(model.catalogue.document()))
        folder = None if model.parameters is None else str(model.parameters.absolute())
        return cls(identity, source, out, given.parts, catalogue, model.weights.plain(), folder)

    @property
    def run_id(self) -> str:
        """Twelve hex digits that follow from the identity."""
        return digest(self.identity)

    @property
    def said(self) -> dict[str, str]:
        """What stands in every row: the run, all versions and the day."""
        known = {**self.identity, "run_id": self.run_id}
        return {name: known[name] for name in (*VERSIONS, "as_of")}

    def text(self) -> str:
        """The run as JSON text."""
        plain = {**vars(self), "parts": [part.plain() for part in self.parts]}
        return json.dumps(plain, ensure_ascii=False, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Job:
        """A run from its JSON text."""
        plain = json.loads(text)
        return cls(**{**plain, "parts": tuple(Part(**part) for part in plain["parts"])})

    def model(self) -> Model:
        """What answers, from plain values; raises OtherVersions where it is not the same here."""
        catalogue = Catalogue.from_documents({"catalogue": self.catalogue})
        folder = None if self.parameters is None else Path(self.parameters)
        model = Model(catalogue, Weights(**self.weights), folder)
        problems = [
            Problem("batch_differs", name, found, self.identity[name])
            for name, found in model.versions().items()
            if found != self.identity[name]
        ]
        if problems:
            raise OtherVersions(problems)
        return model
