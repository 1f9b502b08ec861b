"""A population: many companies packed into mapped columns, read in place.

A folder with `manifest.json`, a folder for each segment of companies, and a bitmap of the rows that
were removed since. Everything is named by the manifest, which is replaced in one step: a reader
sees the population before a change or after it. docs/decisions/0012 says why it looks like this.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from recommender.engine import Engine
from recommender.errors import InvalidInput, Problem, UnreadableFile
from recommender.matching.encoding import WORD
from recommender.matching.scoring import digest
from recommender.population.column_files import Blocks, DamagedPopulation
from recommender.population.packing import id_hash, unpacked
from recommender.tables import read_document

FORMAT = 2
MANIFEST, SEGMENTS = "manifest.json", "segments"
VERSIONS = ("catalogue_version", "parameters_version", "layout")
STRUCTURE = ("eligibility", "similarity")
BITS = ("has", "may")
_ALL = (1 << WORD) - 1
Array = NDArray[Any]


class PopulationMismatch(InvalidInput):
    """A population packed for something else; each problem names one difference."""

    code = "population_mismatch"


def layout_of(engine: Engine) -> str:
    """Hash of where every number, code and token stands: columns of another cannot be read."""
    matcher = engine.matcher
    return digest(
        {
            "numbers": matcher.layout.numbers,
            "codes": {name: column.bits for name, column in matcher.layout.codes.items()},
            "goods": matcher.tokens.hs,
            "text": list(matcher.tokens.text),
            "currencies": list(matcher.offers.quoted),
            "collateral": matcher.offers.kinds,
            "products": matcher.ids,
        }
    )


def versions_of(engine: Engine) -> dict[str, str]:
    """What a population has to agree with an engine in.

    Not the model: weights meet the columns only when they are asked for.
    """
    found = (engine.catalogue.version, engine.parameters.version, layout_of(engine))
    return dict(zip(VERSIONS, found, strict=True))


class Piece(NamedTuple):
    """Some bits of a word of the bitsets, packed as one column of places in a table of patterns."""

    word: int
    low: int
    width: int

    @property
    def name(self) -> str:
        """Of its column; those of the patterns end in `.has` and `.may`."""
        return f"bits.{self.word}.{self.low}"

    @property
    def mask(self) -> int:
        """Its bits in the word."""
        return ((1 << self.width) - 1) << self.low


class Segment(Blocks):
    """Some thousand companies. first: number of its first row in the population."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], first: int) -> None:
        super().__init__(folder / SEGMENTS / manifest["name"], manifest)
        self.name, self.rows, self.first = str(manifest["name"]), int(manifest["rows"]), first
        self._starts: dict[str, Array] = {}

    @cached_property
    def pieces(self) -> Mapping[int, list[Piece]]:
        """How each word of the bitsets is cut, from its lowest bit to its highest."""
        lows: dict[int, list[int]] = {}
        for kind, *at in (name.split(".") for name in self.columns):
            if kind == "bits" and len(at) == 2:
                lows.setdefault(int(at[0]), []).append(int(at[1]))
        found: dict[int, list[Piece]] = {}
        for word, own in lows.items():
            ends = [*sorted(own)[1:], WORD]
            spans = zip(sorted(own), ends, strict=True)
            found[word] = [Piece(word, low, end - low) for low, end in spans]
        return found

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Array:
        """Values of some rows as they were written; `has.N` and `may.N` are words of bits."""
        if name.partition(".")[0] not in BITS:
            return super().read(name, start, stop)
        return self.bits(name, _ALL, lambda piece: Blocks.read(self, piece, start, stop))

    def pick(self, name: str, rows: Array) -> Array:
        """Values of rows by number, as `read` gives them."""
        if name.partition(".")[0] not in BITS:
            return super().pick(name, rows)
        return self.bits(name, _ALL, lambda piece: Blocks.pick(self, piece, rows))

    def bits(self, name: str, mask: int, places: Callable[[str], Array]) -> Array:
        """Some bits of `has.N` or `may.N`. places: gives rows of the column of a piece."""
        kind, _, word = name.partition(".")
        parts = [
            Blocks.read(self, f"{piece.name}.{kind}").take(places(piece.name))
            << np.uint64(piece.low)
            for piece in self.pieces[int(word)]
            if piece.mask & mask
        ]
        found: Array = np.bitwise_or.reduce(parts) & np.uint64(mask)
        return found

    @cached_property
    def dictionaries(self) -> Mapping[str, list[Any]]:
        """What numbers stand for: `segments`, `tokens`, `managers`, `groups`."""
        found: dict[str, list[Any]] = orjson.loads(self.stored("dictionaries").tobytes())
        return found

    def starts(self, name: str) -> Array:
        """Where the list of each company, or product, begins (n + 1,). name: of the items."""
        if name not in self._starts:
            counts = self.read(f"{name}.n")
            self._starts[name] = np.zeros(len(counts) + 1, dtype=np.int64)
            np.cumsum(counts, out=self._starts[name][1:])
        return self._starts[name]

    def _part(self, name: str, row: int, of: str) -> bytes:
        start, stop = self.starts(of)[row : row + 2].tolist()
        return bytes(self.stored(name)[start:stop])

    def id(self, row: int) -> str:
        """The id of a company."""
        return self._part("id", row, "id").decode()

    def profile(self, row: int) -> tuple[Any, Any]:
        """Profile and relationship of a company as plain values."""
        return unpacked(self._part("profile", row, "profile"))

    def word(self, dictionary: str, row: int) -> Any:
        """What a company has in a column of a dictionary; None for nothing."""
        place = int(self.read(dictionary, row, row + 1)[0])
        return self.dictionaries[f"{dictionary}s"][place]

    @cached_property
    def by_hash(self) -> tuple[Array, Array]:
        """Hashes of ids in order, and the row of each."""
        hashes = self.read("id.hash")
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def find(self, name: str) -> list[int]:
        """Rows of an id."""
        hashes, order = self.by_hash
        wanted = np.uint64(id_hash(name))
        span = [int(np.searchsorted(hashes, wanted, side)) for side in ("left", "right")]
        return [int(row) for row in order[slice(*span)] if self.id(int(row)) == name]


class Population:
    """A population as it stands on disk. Raises UnreadableFile or DamagedPopulation."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.as_of = datetime.date.fromisoformat(manifest["as_of"])
        self.segments: list[Segment] = []
        for entry in manifest["segments"]:
            self.segments.append(Segment(folder, entry, self.rows).checked())
        self.removed = self._removed()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The population of a folder; every file has to have its length."""
        try:
            return cls(folder, cls._read(folder))
        except DamagedPopulation:
            again = cls._read(folder)  # a change may have come between
            return cls(folder, again)

    @staticmethod
    def _read(folder: Path) -> Mapping[str, Any]:
        place = folder / MANIFEST
        if not place.is_file():
            raise UnreadableFile(file=str(folder), reason="no_population")
        found = read_document(place)
        if not isinstance(found, dict) or not {"format", "as_of", "segments"} <= found.keys():
            raise DamagedPopulation(file=str(place), reason="changed")
        if found["format"] != FORMAT:
            allowed = {"found": found["format"], "expected": FORMAT}
            raise PopulationMismatch([Problem("population_differs", "format", params=allowed)])
        return found

    @property
    def rows(self) -> int:
        """Companies packed, removed ones too."""
        return sum(segment.rows for segment in self.segments)

    @property
    def companies(self) -> int:
        """Companies that are there."""
        return self.rows - int(self.removed.sum())

    @property
    def version(self) -> str:
        """Twelve hex digits that any change to the population changes."""
        return digest(self.manifest)

    def _removed(self) -> Array:
        entry = self.manifest.get("removed")
        if entry is None:
            return np.zeros(self.rows, dtype=np.bool_)
        blocks = Blocks(self.folder, entry).checked()
        bits = np.unpackbits(blocks.stored("removed"), count=self.rows, bitorder="little")
        return bits.astype(np.bool_)

    def check(self, engine: Engine) -> None:
        """Raise PopulationMismatch with every difference from what the engine needs."""
        problems = [
            Problem(
                "population_differs",
                name,
                self.manifest.get(name),
                params={"found": str(self.manifest.get(name)), "expected": wanted},
            )
            for name, wanted in versions_of(engine).items()
            if self.manifest.get(name) != wanted
        ]
        if problems:
            raise PopulationMismatch(problems)

    def verify(self) -> None:
        """Read every byte and hold it against its hash; raises DamagedPopulation."""
        for segment in self.segments:
            segment.checked(content=True)

    def find(self, name: str) -> int | None:
        """The row of a company by its id; None where there is none."""
        for segment in reversed(self.segments):
            for row in segment.find(name):
                if not self.removed[segment.first + row]:
                    return segment.first + row
        return None

    def place(self, row: int) -> tuple[Segment, int]:
        """The segment of a row, and its number there."""
        segment = next(s for s in reversed(self.segments) if s.first <= row)
        return segment, row - segment.first

    def size(self) -> dict[str, int]:
        """Bytes by block."""
        names = dict.fromkeys(name for segment in self.segments for name in segment.blocks)
        return {name: sum(s.size(name) for s in self.segments) for name in names}


def manifest_text(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as a file: of one content there is one text."""
    return (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def named_rows(population: Population, ids: Sequence[str]) -> tuple[list[int], list[str]]:
    """Rows of some ids, and the ids that are not there."""
    found = {name: population.find(name) for name in dict.fromkeys(ids)}
    rows = [row for row in found.values() if row is not None]
    return rows, [name for name, row in found.items() if row is None]
