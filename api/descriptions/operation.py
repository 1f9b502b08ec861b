"""How an operation is described in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from api.errors import BadBody, InvalidRequest, TooLarge, WrongMediaType
from recommender import Engine
from recommender.errors import CorridorError, Problem
from recommender.texts import Language

Json = dict[str, Any]
Answer = Callable[[Engine, Language], Any]
Asked = Callable[[Language], Any]
REFUSALS: tuple[CorridorError, ...] = (
    BadBody(line=1, column=12),
    TooLarge(limit=1 << 20),
    WrongMediaType(given="text/plain"),
    InvalidRequest([Problem("below_minimum", "company.need.amount", -1, 0)]),
)


@dataclass(frozen=True)
class Parameter:
    """A parameter besides the language; its text is `api.parameter.<name>`."""

    name: str
    place: str
    example: Any
    required: bool = False
    kind: str = "string"


@dataclass(frozen=True)
class Operation:
    """What the document says of an operation.

    tag: its group; answer: the shape of its answer, None where it has no body; example: answers
    the example request `asked`; status: of the answer; uploads: media types of a file that it
    takes; also: further statuses of the same answer; cached: whether a caller that has it already
    is told so with 304; runs: whether it is kept as a run.
    """

    id: str
    tag: str
    answer: type[BaseModel] | None
    example: Answer
    request: type[BaseModel] | None = None
    errors: tuple[CorridorError, ...] = ()
    asked: Asked | None = None
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    media_type: str = "application/json"
    uploads: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    cached: bool = False

    @property
    def runs(self) -> bool:
        """Whether the answer is kept under a run id."""
        return self.tag in ("company", "population")
