"""L: a catalogue of 500 products, from its file to an engine, beside a loader without checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from recommender import Catalogue, Engine
from recommender.catalogue.files import as_json, as_yaml
from recommender.parameters import Parameters
from recommender.tables import parse_json, parse_yaml
from tests.benchmarks.catalogues import catalogue
from tests.benchmarks.timing import Line, Work, interleaved, lines

AGAINST = "peer: yaml.CSafeLoader"


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case L."""
    whole = catalogue(80 if small else 500)
    texts = as_yaml(whole.document()), as_json(whole.document())
    parameters, raw = Parameters.load(), parse_yaml(texts[0], "c.yaml")
    works: dict[str, Work] = {
        AGAINST: lambda: yaml.load(texts[0], Loader=yaml.CSafeLoader),
        "YAML read": lambda: parse_yaml(texts[0], "c.yaml"),
        "validated": lambda: validated(raw),
        "YAML read and validated": lambda: from_yaml(texts[0]),
        "engine": lambda: Engine(whole, parameters=parameters),
        "JSON read and validated": lambda: from_json(texts[1]),
        "peer: json": lambda: json.loads(texts[1]),
    }
    seconds = interleaved(works, rounds=1 if small else 9)
    sizes = {"products": len(whole.products), "yaml_bytes": len(texts[0].encode())}
    yield from lines("L", seconds, AGAINST, **sizes)


def validated(raw: Any) -> Catalogue:
    """A catalogue from plain values."""
    return Catalogue.from_documents({"c.yaml": raw})


def from_yaml(text: str) -> Catalogue:
    """A catalogue from YAML."""
    return validated(parse_yaml(text, "c.yaml"))


def from_json(text: str) -> Catalogue:
    """A catalogue from JSON."""
    return validated(parse_json(text, "c.json"))
