"""How far a long command is: a bar on a terminal, silence anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recommender.texts import Language, text

Told = Callable[[int], None]
Begin = Callable[[str, int | None], Told]


@contextmanager
def progress(language: Language) -> Iterator[Begin]:
    """A function that starts a bar (name of `cli.progress`, total) and gives one to move it."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal)

    def begin(name: str, total: int | None) -> Told:
        task = bars.add_task(text(f"cli.progress.{name}", language), total=total)
        return lambda done: bars.update(task, completed=done)

    with bars:
        yield begin
