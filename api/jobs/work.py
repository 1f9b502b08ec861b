"""What a job works with, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.errors import problem_body
from api.refusals import UnreadableUpload
from api.settings import Settings
from api.store import jobs
from api.store.registry import registry_of
from api.store.store import Store
from api.store.writer import Write
from recommender.errors import CorridorError, UnreadableFile
from recommender.registry.registry import Registry
from recommender.texts import LANGUAGES, Language, error_text, text

Told = Callable[[int], None]


def told_of(error: CorridorError, settings: Settings) -> dict[str, Any]:
    """An error in both languages, as the answer on a job has it; files without their folders."""
    if isinstance(error, UnreadableFile):
        error = UnreadableUpload(**{**error.params, "file": Path(str(error.params["file"])).name})
    return {language: body_of(error, language, settings.problems_shown) for language in LANGUAGES}


def body_of(error: CorridorError, language: Language, shown: int = 100) -> dict[str, Any]:
    """A problem whose reason is told also where no operation would meet it."""
    body = problem_body(error, language, shown)
    if body["status"] != 500 or error.code == CorridorError.code:
        return body
    kind = f"urn:problem-type:corridor-match:{error.code}"
    told = {"type": kind, "title": text("api.title.422", language), "status": 422}
    return {**body, **told, "code": error.code, "detail": error_text(error, language)}


class Meter:
    """How far a job is: the step it is at, and how much of that is done."""

    def __init__(self) -> None:
        self.step: str | None = None
        self.share = 0.0

    def begin(self, name: str, total: int | None) -> Told:
        """Begin a step of so many parts; what is returned is called with the parts done."""
        self.step, self.share = name, 0.0

        def told(done: int) -> None:
            if total:
                self.share = min(done / total, 1.0)

        return told


@dataclass(frozen=True, eq=False)
class Work:
    """A job in its worker process. folder: its own, cleared away after it however it ends."""

    settings: Settings
    store: Store
    job_id: str
    organisation_id: str
    user_id: str
    parameters: Any
    folder: Path
    meter: Meter

    @property
    def registry(self) -> Registry:
        """Models and catalogues of the organisation, as its user."""
        return registry_of(self.store, self.organisation_id, self.user_id)

    def file(self, name: str) -> Path:
        """A file of the job, written to its folder; raises NotFound."""
        place = self.folder / name
        if not place.exists():
            content = self.store.read(lambda c: jobs.file(c, self.job_id, name))
            place.write_bytes(content)
        return place


@dataclass(frozen=True, eq=False)
class Made:
    """What came of a job. keep: writes it, in the transaction that ends the job."""

    result: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    keep: Callable[[Write], None] = lambda _: None
