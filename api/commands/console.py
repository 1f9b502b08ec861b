"""Answers as tables and paragraphs for people: 100 columns, with or without colour."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recommender.texts import Language, Money, show, text

Json = Mapping[str, Any]
WIDTH = 100
SHOWN = 3
AMOUNT = re.compile(r"(?P<currency>\D*)(?P<number>[\d,.]+)(?P<unit>.*)")
MARKS = {"eligible": "✓", "conditional": "?", "near_miss": "~", "ineligible": "✗"}
STYLES = {"eligible": "green", "conditional": "yellow", "near_miss": "cyan", "ineligible": "red"}


def console_on(file: IO[str]) -> Console:
    """A console that adapts to a terminal, and is plain and 100 columns wide anywhere else."""
    width = None if file.isatty() else WIDTH
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def printed(console: Console, answer: Json) -> str:
    """An answer as the console would show it, without blanks at the ends of lines."""
    with console.capture() as captured:
        Report(console, answer).show()
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


class Report:
    """Prints one answer in its own language."""

    def __init__(self, console: Console, answer: Json) -> None:
        self._out, self._answer = console, answer
        self._language: Language = answer["language"]
        self._common = self._common_conditions()

    def show(self) -> None:
        """The whole answer: lanes, conditions of all, questions, notices."""
        a = self._answer
        versions = {"engine": a["engine_version"], "catalogue": a["catalogue_version"]}
        head = self._said("head", day=a["as_of"], model=a["model_version"], **versions)
        self._out.print(Text(head, style="dim"))
        for lane in a["lanes"]:
            self._lane(lane)
        if not any(lane["matches"] for lane in a["lanes"]):
            self._out.print(self._said("nothing"))
        if a["nothing_fits"]:
            self._out.print(Text(f"\n{a['nothing_fits']}", style="bold"))
        self._section("for_all", self._common)
        self._section("next_questions", [self._question(q) for q in a["next_questions"]])
        self._section("notices", [*a["notices"], self._said("papers_note")])

    def _said(self, key: str, **params: Any) -> str:
        return text(f"cli.{key}", self._language, **params)

    def _lane(self, lane: Json) -> None:
        self._out.print(Text(f"\n{lane['label']}", style="bold underline"))
        if not lane["matches"]:
            self._out.print(self._said("nothing"))
            return
        self._out.print(self._table(lane["matches"]))
        for match in lane["matches"]:
            self._details(match)

    def _table(self, matches: Sequence[Json]) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        table.add_column("", justify="right", no_wrap=True)
        table.add_column(self._said("column.product"), overflow="fold", ratio=1)
        for name in ("fit", "score", "amount", "tenor", "papers"):
            right = name in ("score", "papers")
            justify = "right" if right else "left"
            table.add_column(self._said(f"column.{name}"), justify=justify, no_wrap=True)  # type: ignore[arg-type]
        for match in matches:
            table.add_row(*self._row(match))
        return table

    def _row(self, match: Json) -> Iterator[Text | str]:
        yield str(match["rank"])
        yield Text(match[f"name_{self._language}"], style="bold")
        yield Text(f"{MARKS[match['fit']]} {match['fit_text']}", style=STYLES[match["fit"]])
        yield "-" if match["score"] is None else f"{match['score']:.2f}"
        yield self._amount(match["indicative_amount"])
        yield _span(match["tenor_days"])
        missing, required = match["documents_missing"], len(match["documents_required"])
        held = "?" if missing is None else str(required - len(missing))
        yield f"{held}/{required}" if required else "-"

    def _amount(self, amount: Json) -> str:
        low, high = (self._money(amount[end], amount["currency"]) for end in ("low", "high"))
        if low is None and high is None:
            return "-"
        if high is None:
            return self._said("amount_from", low=low)
        if low is None:
            return self._said("amount_to", high=high)
        if low == high:
            return low
        low, high = _shared(low, high)
        return self._said("amount_range", low=low, high=high)

    def _money(self, value: float | None, currency: str | None) -> str | None:
        if value is None:
            return None
        return show(Money(value, currency) if currency else value, self._language)

    def _details(self, match: Json) -> None:
        other = "en" if self._language == "zh" else "zh"
        title = f"{match['rank']}  {match[f'name_{self._language}']}"
        self._out.print(Text.assemble((f"\n{title}", "bold"), f"  {match[f'name_{other}']}"))
        grid = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold", ratio=1)
        for key, lines in self._facts_of(match):
            if lines:
                grid.add_row(self._said(key), Text("\n".join(lines)))
        self._out.print(Padding(grid, (0, 0, 0, 3)))

    def _facts_of(self, match: Json) -> Iterator[tuple[str, list[str]]]:
        """What is said of one product, in the order in which it helps to decide."""
        yield "provider", [match["provider"]]
        yield "reasons", [p["text"] for p in match["contributions"] if _speaks_for_it(p)][:SHOWN]
        yield "blockers", [item["text"] for item in match["blockers"]]
        yield "changes", [item["text"] for item in match["changes"]]
        yield "unknowns", self._first([item["question"] for item in match["unknowns"]])
        own = [item["text"] for item in match["subject_to"] if item["text"] not in self._common]
        yield "subject_to", own
        yield "cautions", self._first([item["text"] for item in match["cautions"]])
        missing = [paper["label"] for paper in match["documents_missing"] or ()]
        yield "papers_missing", [show(self._first(missing), self._language)] if missing else []
        yield "formula", [match["indicative_amount"]["formula"]]

    def _first(self, lines: list[str]) -> list[str]:
        if len(lines) <= SHOWN + 1:
            return lines
        return [*lines[:SHOWN], self._said("and_more", count=len(lines) - SHOWN)]

    def _common_conditions(self) -> list[str]:
        """Conditions of every product shown: said once, at the end."""
        matches = [match for lane in self._answer["lanes"] for match in lane["matches"]]
        if len(matches) < 2:
            return []
        found = [[item["text"] for item in match["subject_to"]] for match in matches]
        return [line for line in found[0] if all(line in lines for lines in found)]

    def _question(self, question: Json) -> str:
        count = len(question["decides"])
        return f"{question['question']}{self._said('decides', count=count)}"

    def _section(self, key: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        self._out.print(Text(f"\n{self._said(key)}", style="bold underline"))
        grid = Table(box=None, padding=(0, 1, 0, 0), show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(overflow="fold", ratio=1)
        for number, line in enumerate(lines, start=1):
            grid.add_row(str(number), Text(line))
        self._out.print(grid)


def _speaks_for_it(part: Json) -> bool:
    """Whether a contribution is known, fits at least in part, and is not the same for everybody."""
    own = part["known"] and not part["open"] and part["feature"] != "baseline"
    return bool(own and part["value"] >= 0.35)


def _shared(low: str, high: str) -> tuple[str, str]:
    """Two amounts with currency and unit said once.

    >>> _shared("CNY 610 k", "CNY 976 k")
    ('CNY 610', '976 k')
    >>> _shared("61万元", "1.2亿元")
    ('61万元', '1.2亿元')
    """
    first, second = (AMOUNT.fullmatch(amount) for amount in (low, high))
    if first is None or second is None:
        return low, high
    if first["unit"] == second["unit"]:
        low = f"{first['currency']}{first['number']}"
    if first["currency"] == second["currency"]:
        high = f"{second['number']}{second['unit']}"
    return low, high


def _span(days: Json) -> str:
    low, high = ("" if days[end] is None else f"{days[end]:g}" for end in ("low", "high"))
    return "-" if not low and not high else f"{low}-{high}"
