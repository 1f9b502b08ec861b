"""A model is a folder: manifest.json and weights.json, plain text, nothing executed on load.

The manifest names the format, the similarities, the catalogue the weights were learned on and the
hashes of both files; whatever does not fit this engine or was edited by hand is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from recommender.errors import InvalidParameters, ModelMismatch, UnreadableFile
from recommender.matching.scoring import Weights, canonical_json, digest
from recommender.matching.similarity import NAMES
from recommender.records import Record, examined
from recommender.tables import read_document

FORMAT = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.json"


Number = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0)]


class _Peers(Record):
    """Counts of firms by segment and product."""

    counts: dict[str, dict[str, tuple[Count, Count]]]
    lanes: dict[str, str]
    strength: Number


class _Body(Record):
    """The content of weights.json."""

    weights: dict[str, Number]
    baselines: dict[str, Number]
    trained_on: Annotated[str, Field(strict=True)] | None
    uptake: dict[str, tuple[Number, Number]] = Field(default_factory=dict)
    affinity: dict[str, dict[str, Number]] = Field(default_factory=dict)
    peers: _Peers | None = None


def save(weights: Weights, folder: Path, more: Mapping[str, Any] | None = None) -> None:
    """Write a model folder that does not exist yet.

    more: seed, data hash, metrics and the like for the manifest. The same weights and `more` give
    the same bytes.
    """
    folder.mkdir(parents=True)
    for name, content in files(weights, more).items():
        (folder / name).write_text(content, encoding="utf-8")


def files(weights: Weights, more: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What `save` writes, by file name."""
    body = weights.plain()
    manifest = {
        **(more or {}),
        "format": FORMAT,
        "version": weights.version,
        "features": list(NAMES),
        "catalogue_version": weights.trained_on,
        "weights_sha256": digest(body),
    }
    signed = {**manifest, "manifest_sha256": digest(manifest)}
    return {WEIGHTS: canonical_json(body), MANIFEST: canonical_json(signed)}


def load(folder: Path) -> Weights:
    """The weights of a model folder.

    Raises UnreadableFile when a file is missing or broken, and what `opened` raises.
    """
    return opened(folder.name, *(read_document(folder / name) for name in (MANIFEST, WEIGHTS)))


def opened(model: str, manifest: Any, body: Any) -> Weights:
    """The weights in what the two files of a model say.

    Raises UnreadableFile when that is no JSON object, ModelMismatch when the model is of another
    format, names other similarities, or was changed after it was written, and InvalidParameters
    when the weights are not weights.
    """
    for name, document in ((MANIFEST, manifest), (WEIGHTS, body)):
        if not isinstance(document, dict):
            raise UnreadableFile(file=f"{model}/{name}", reason="expected a JSON object")
    unsigned = {name: value for name, value in manifest.items() if name != "manifest_sha256"}
    expected = {
        "format": FORMAT,
        "features": list(NAMES),
        "weights_sha256": digest(body),
        "manifest_sha256": digest(unsigned),
    }
    for name, value in expected.items():
        if manifest.get(name) != value:
            shown = manifest.get(name)
            raise ModelMismatch(model=model, what=name, found=shown, expected=value)
    record, problems = examined(_Body, body)
    if problems or record is None:
        raise InvalidParameters(problems)
    peers = {} if record.peers is None else record.peers.model_dump()
    return Weights(
        record.weights,
        record.baselines,
        record.trained_on,
        record.uptake,
        record.affinity,
        peers,
    )
