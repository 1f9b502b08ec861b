"""Plans as tables and paragraphs for people: 100 columns, with or without colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recommender.texts import Language, Money, show, text

Json = Mapping[str, Any]
SHOWN = 6
MARKS = {"eligible": "✓", "conditional": "?"}
STYLES = {"eligible": "green", "conditional": "yellow"}


def printed(console: Console, answer: Json) -> str:
    """An answer as the console would show it, without blanks at the ends of lines."""
    with console.capture() as captured:
        PlanReport(console, answer).show()
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


class PlanReport:
    """Prints one answer in its own language."""

    def __init__(self, console: Console, answer: Json) -> None:
        self._out, self._answer = console, answer
        self._language: Language = answer["language"]

    def _said(self, key: str, **params: Any) -> str:
        return text(f"cli.plan.{key}", self._language, **params)

    def _cny(self, value: float | None, currency: str = "CNY") -> str:
        return "-" if value is None else show(Money(value, currency), self._language)

    def show(self) -> None:
        """The whole answer: each plan, then what has to be said of all."""
        a = self._answer
        head = self._said(
            "head", day=a["as_of"], engine=a["engine_version"], catalogue=a["catalogue_version"]
        )
        self._out.print(Text(head, style="dim"))
        for plan in a["plans"]:
            self._plan(plan)
        if a["nothing"]:
            self._out.print(Text(f"\n{a['nothing']}", style="bold"))
        target = [a["situation"]["hedge_target"]["text"]] if a["situation"]["hedge_target"] else []
        self._section("notices", [*a["notices"], *target])

    def _plan(self, plan: Json) -> None:
        title = self._said("plan", name=plan["name"], title=plan["title"])
        self._out.print(Text(f"\n{title}", style="bold underline"))
        self._out.print(plan["summary"])
        if plan["lines"] or plan["existing"]:
            self._out.print(self._money_table(plan))
        for line in plan["lines"]:
            self._line(line)
        for part in ("existing", "hedges", "arranged"):
            self._section(part, [_titled(item, self._language) for item in plan[part]])
        self._section("figures", list(self._figures(plan)))
        if len(plan["cover_over_time"]) > 1:
            self._section("over_time", [self._span(span) for span in plan["cover_over_time"]])
        self._section("positions", [f"{p['currency']}: {p['text']}" for p in plan["positions"]])
        papers = [self._paper(paper) for paper in plan["papers"]]
        more = [self._said("more", count=len(papers) - SHOWN)] if len(papers) > SHOWN else []
        self._section("papers", [*papers[:SHOWN], *more])
        self._section("why_open", plan["why_open"])
        self._section("ways", [way["text"] for way in plan["ways_to_close"]])
        self._section("hangs_on", [fall["text"] for fall in plan["hangs_on"]])
        also = [
            item["name"] + (f": {item['when']}" if item["when"] else "") for item in plan["also"]
        ]
        self._section("also", also)
        self._out.print(Text(plan["optimality"], style="dim"))

    def _money_table(self, plan: Json) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        table.add_column(self._said("column.line"), overflow="fold", ratio=1)
        for name in ("fit", "amount", "cny", "net", "from", "days"):
            right = name in ("cny", "net", "days")
            justify = "right" if right else "left"
            table.add_column(self._said(f"column.{name}"), justify=justify, no_wrap=True)  # type: ignore[arg-type]
        for line in plan["lines"]:
            fit = Text(f"{MARKS[line['fit']]} {line['fit_text']}", style=STYLES[line["fit"]])
            table.add_row(
                Text(line[f"name_{self._language}"], style="bold"),
                fit,
                self._range(line["amount"]),
                self._cny(line["cny"]),
                self._cny(line["net_new_cny"]),
                line["start"],
                "-" if line["tenor_days"] is None else str(line["tenor_days"]),
            )
        return table

    def _range(self, amount: Json) -> str:
        low, high = (self._cny(amount[end], amount["currency"]) for end in ("low", "high"))
        return high if low == high else self._said("range", low=low, high=high)

    def _line(self, line: Json) -> None:
        grid = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold", ratio=1)
        for key, said in self._facts(line):
            if said:
                grid.add_row(self._said(key), Text("\n".join(said)))
        self._out.print(Text(f"\n{line[f'name_{self._language}']}", style="bold"))
        self._out.print(Padding(grid, (0, 0, 0, 3)))

    def _facts(self, line: Json) -> Iterator[tuple[str, list[str]]]:
        yield "reason", [line["reason"]]
        yield "formula", [line["amount"]["formula"]]
        yield "secured_by", [self._cover(cover) for cover in line["secured_by"]]
        yield "repays", [item["text"] for item in line["repays"]]
        yield "conditions", list(line["conditions"])[:SHOWN]
        yield "subject_to", [item["text"] for item in line["subject_to"]][:SHOWN]

    def _cover(self, cover: Json) -> str:
        return self._said(
            "cover",
            item=cover["label"],
            trade=cover["trade"] or cover["place"],
            amount=Money(cover["lends_cny"], "CNY"),
            formula=cover["formula"],
        )

    def _figures(self, plan: Json) -> Iterator[str]:
        money = plan["money"]
        for name in (
            "need",
            "margins",
            "gross",
            "repaid",
            "net_new",
            "existing",
            "covered",
            "uncovered",
        ):
            if money[name] or name in ("need", "covered", "uncovered"):
                colon = "：" if self._language == "zh" else ": "
                label = text(f"plan.figure.{name}", self._language)
                yield f"{label}{colon}{self._cny(money[name])}"
        gap, formula = plan["collateral_gap"], plan["collateral_gap"]["formula"]
        if gap["before"] is not None:
            yield self._said(
                "gap",
                before=self._cny(gap["before"]),
                after=self._cny(gap["after"]),
                formula=formula,
            )
        funding = plan["funding_gap"]
        yield self._said(
            "funding_gap", value=self._cny(funding["value"]), formula=funding["formula"]
        )

    def _span(self, span: Json) -> str:
        amounts = {name: self._cny(span[name]) for name in ("need", "covered", "uncovered")}
        return self._said("span", start=span["from"], end=span["to"], **amounts)

    def _paper(self, paper: Json) -> str:
        return self._said(
            "paper", by=paper["by"], label=paper["label"], source=paper["obtained_from_text"]
        )

    def _section(self, key: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        self._out.print(Text(f"\n{self._said(key)}", style="bold"))
        grid = Table(box=None, padding=(0, 1, 0, 0), show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(overflow="fold", ratio=1)
        for number, line in enumerate(lines, start=1):
            grid.add_row(str(number), Text(line))
        self._out.print(grid)


def _titled(item: Json, language: Language) -> str:
    name = item.get(f"name_{language}")
    colon = "：" if language == "zh" else ": "
    return f"{name}{colon}{item['text']}" if name else str(item["text"])
