"""The errors of the engine: one small tree; every problem has its place, value and alternatives.

The engine never words an error by itself: a problem carries a code and parameters, and
`recommender.texts` renders them in Chinese or English. HTTP statuses live in `api/errors.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    code: key of a sentence in data/texts (`error.<code>`).
    field: dotted place inside the record (`collateral[2].value`), "" for the whole.
    value: what was given, as given; None when nothing was.
    allowed: what would be accepted: a list of values, or a sentence parameter; None when open.
    params: further parameters of the sentence.
    file, row: where the record stands, for inputs read from files (row counts from 1).
    sheet, column: of a table, its name and the letter of the column; row is then the number that
    a spreadsheet shows.
    """

    code: str
    field: str = ""
    value: Any = None
    allowed: Any = None
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    file: str | None = None
    row: int | None = None
    sheet: str | None = None
    column: str | None = None


class CorridorError(Exception):
    """Base of every error the engine raises on purpose.

    code: key of the sentence that says what happened (`error.<code>`); params: its parameters.
    """

    code = "internal"

    def __init__(self, **params: Any) -> None:
        self.params: dict[str, Any] = params
        super().__init__(f"{self.code} {params}" if params else self.code)


class InvalidInput(CorridorError):
    """Readable but wrong; carries every problem found, never only the first."""

    code = "invalid_input"

    def __init__(self, problems: Iterable[Problem], **params: Any) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(count=len(self.problems), **params)

    def __str__(self) -> str:
        """List the problems, so that a plain Python traceback is useful too."""
        lines = (f"{p.field or '-'}: {p.code} (value {p.value!r})" for p in self.problems)
        return f"{self.code}: " + "; ".join(lines)


class InvalidProfile(InvalidInput):
    """A company profile that cannot be accepted."""

    code = "invalid_profile"


class InvalidOptions(InvalidInput):
    """Options of a request that cannot be accepted."""

    code = "invalid_options"


class InvalidCatalogue(InvalidInput):
    """A catalogue that does not validate; nothing of it was loaded."""

    code = "invalid_catalogue"


class InvalidParameters(InvalidInput):
    """A dated parameter or reference file that does not validate."""

    code = "invalid_parameters"


class UnreadableFile(CorridorError):
    """A file that is missing, of an unknown kind, or not readable as what it claims to be."""

    code = "unreadable_file"


class Unwritable(CorridorError):
    """A file that cannot be written as asked; what was there is untouched. params: reason, file."""

    code = "unwritable"


class NotFound(CorridorError):
    """An id that names nothing. params: kind, id."""

    code = "not_found"


class ModelMismatch(CorridorError):
    """A model folder that does not fit this engine or catalogue; it is refused, never adapted."""

    code = "model_mismatch"


class CatalogueMismatch(CorridorError):
    """A stored catalogue whose content is not that of its name. params: version, found, file."""

    code = "catalogue_mismatch"
