"""Batches of packed companies to segments on disk, and the ids that are taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from recommender.matching.kinds import Firm
from recommender.population.column_files import BlockWriter
from recommender.population.packing import Batch, id_hash
from recommender.population.patterns import as_places
from recommender.population.population import Piece, Segment

SEGMENT = 1 << 19
Array = NDArray[Any]
Entry = Mapping[str, Any]


class Words:
    """Numbers for words in the order in which they come; 0 is None."""

    def __init__(self) -> None:
        self.list: list[Any] = [None]
        self._places: dict[Any, int] = {None: 0}

    def number(self, word: Any) -> int:
        """The number of a word."""
        if word not in self._places:
            self._places[word] = len(self.list)
            self.list.append(word)
        return self._places[word]


class SegmentWriter:
    """One segment that grows by batches; nothing refers to it until its entry is in a manifest.

    pieces: how the bitsets are cut.
    """

    def __init__(self, folder: Path, pieces: tuple[Piece, ...]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._blocks, self._pieces = folder, BlockWriter(folder), pieces
        self._parts: dict[str, dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
        self._words = {name: Words() for name in ("segments", "tokens", "managers", "groups")}
        self._amounts: list[tuple[Array, Array, Array]] = []
        self.rows = self.synthetic = 0

    def add(self, batch: Batch) -> None:
        """Take a batch; its profiles are written at once."""
        for block, columns in batch.columns.items():
            for name, values in columns.items():
                self._parts[block][name].append(values)
        self._learned(batch.firms)
        for column, words in (("manager", batch.managers), ("group", batch.groups)):
            own = self._words[f"{column}s"]
            numbers = np.array([own.number(word) for word in words], dtype=np.uint32)
            self._parts["filters"][column].append(numbers)
        product, row, amount = batch.amounts
        self._amounts.append((product, row + np.uint32(self.rows), amount))
        sizes = np.array([len(raw) for raw in batch.profiles], dtype=np.uint32)
        self._parts["names"]["profile.n"].append(sizes)
        self._blocks.append("profile", b"".join(batch.profiles))
        self.rows += len(batch)
        self.synthetic += int(batch.columns["filters"]["synthetic"].sum())

    def _learned(self, firms: Sequence[Firm]) -> None:
        """What models may know companies by: where their peers are, and their tokens."""
        segments, tokens = self._words["segments"], self._words["tokens"]
        own = self._parts["learned"]
        pairs = [list(firm.tokens.items()) for firm in firms]
        own["segment"].append(
            np.array([segments.number(firm.segment) for firm in firms], dtype=np.uint32)
        )
        own["token.n"].append(np.array([len(part) for part in pairs], dtype=np.uint32))
        flat = [item for part in pairs for item in part]
        own["token"].append(np.array([tokens.number(t) for t, _ in flat], dtype=np.uint32))
        own["token.value"].append(np.array([value for _, value in flat], dtype=np.float64))

    def close(self, products: int) -> dict[str, Any]:
        """Write the columns; gives the entry for the manifest."""
        for block in ("eligibility", "similarity", "text", "learned", "filters", "names"):
            columns = {n: np.concatenate(parts) for n, parts in self._parts[block].items()}
            columns = as_places(columns, self._pieces) if block == "eligibility" else columns
            self._blocks.write(block, columns)
        self._blocks.write("amounts", self._by_product(products))
        self._blocks.finish("profile")
        words = {name: words.list for name, words in self._words.items()}
        raw = np.frombuffer(orjson.dumps(words), dtype=np.uint8)
        self._blocks.write("dictionaries", {"dictionaries": raw})
        own = {"name": self._folder.name, "rows": self.rows, "synthetic": self.synthetic}
        return {**own, **self._blocks.manifest()}

    def _by_product(self, products: int) -> dict[str, Array]:
        """Amounts of one product behind one another, and where those of each begin."""
        product, row, amount = (np.concatenate(part) for part in zip(*self._amounts, strict=True))
        order = np.argsort(product, kind="stable")
        counts = np.bincount(product, minlength=products).astype(np.uint32)
        return {"amount.n": counts, "amount.row": row[order], "amount": amount[order]}


class Taken:
    """Ids that a population has, found by hash and confirmed by name.

    segments: those on disk; `note` adds those of the one being written.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = list(segments)
        self._open: dict[int, list[str]] = {}

    def has(self, name: str) -> bool:
        """Whether an id is taken."""
        return name in self._open.get(id_hash(name), ()) or any(
            segment.find(name) for segment in self._segments
        )

    def note(self, names: Sequence[str]) -> None:
        """Take ids of the segment being written."""
        for name in names:
            self._open.setdefault(id_hash(name), []).append(name)

    def closed(self, segment: Segment) -> None:
        """The segment being written is on disk."""
        self._segments.append(segment)
        self._open.clear()


def next_names(folder: Path) -> Iterator[str]:
    """Names for new segments: numbers above those that are there."""
    there = [int(path.name) for path in folder.glob("[0-9]*")] if folder.is_dir() else []
    number = max(there, default=0)
    while True:
        number += 1
        yield f"{number:06d}"
