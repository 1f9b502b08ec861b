"""Q: how many questions until the top three of the financing list are those of the full profile.

From an empty profile the first question is asked and answered from the complete made-up profile,
then the first of the new list, and so on; nothing but the answers given so far is looked at.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from math import sqrt
from typing import Any

from recommender import Catalogue, Company, Engine
from recommender.company.profile import Need, Trade
from recommender.options import Options
from recommender.simulation import company
from tests.benchmarks.timing import Line, significant

DAY, SEED, LANE, TOP, MOST = "2026-11-23", 2026, "financing", 3, 10
ALL = "questions, all lanes"
RECOMMENDED = ("eligible", "conditional")
Z = 1.96
Raw = dict[str, Any]
Next = Callable[["Interview"], "str | None"]
Hits = list[tuple[bool, bool, bool]]


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case Q: one for each way to choose the question and each number of questions."""
    count = 8 if small else 2_000
    ways = tuple(WAYS)
    found = {way: hits(way, count, workers=1 if small else os.cpu_count() or 1) for way in ways}
    against = "fixed order"
    for way in ways:
        for asked in range(1, MOST + 1):
            right = [line[asked - 1] for line in found[way]]
            base = sum(same for same, _, _ in (line[asked - 1] for line in found[against])) / count
            share = sum(same for same, _, _ in right) / count
            yield {
                "case": "Q",
                "what": f"{way}, {asked} asked",
                "ratio": significant(max(share, 1 / count) / max(base, 1 / count)),
                "against": f"{against} of the dictionary",
                "same_three": significant(share),
                "between": [significant(end) for end in interval(share, count)],
                "same_order": significant(sum(order for _, order, _ in right) / count),
                "all_found": significant(sum(held for _, _, held in right) / count),
                "companies": count,
            }


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score."""
    spread = 1 + Z * Z / count
    middle = (share + Z * Z / (2 * count)) / spread
    half = Z * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)


def hits(way: str, count: int, workers: int) -> list[Hits]:
    """For each company, after each question: the three are right; in order; all among them."""
    work = partial(interview, way)
    if workers == 1:
        return [work(number) for number in range(count)]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(work, range(count), chunksize=25))


@lru_cache(maxsize=1)
def engine() -> Engine:
    """One engine for each process."""
    return Engine(Catalogue.load())


def interview(way: str, number: int) -> Hits:
    """One company, asked ten times."""
    talk = Interview(way, number)
    choose = WAYS[way]
    found: Hits = []
    for _ in range(MOST):
        name = choose(talk)
        if name is not None:
            talk.ask(name)
        top, goal = set(talk.top), set(talk.goal)
        found.append((top == goal, talk.top == talk.goal, goal <= top))
    return found


class Interview:
    """One made-up company and what it has said so far."""

    def __init__(self, way: str, number: int) -> None:
        self.engine = engine()
        lanes = None if way == ALL else (LANE,)
        self.options = Options(as_of=DAY, lanes=lanes, limit=TOP)
        self.full: Raw = company(SEED, number, unknown=0)
        self.number = number
        self.said: Raw = {}
        self.asked: list[str] = []
        self.goal, _ = self._answer(self.full)
        self.top, self.questions = self._answer(self.said)

    def ask(self, name: str) -> None:
        """Ask for one field; what the complete profile does not say stays unknown."""
        self.asked.append(name)
        value = self._value(name)
        if value is not None:
            self._say(name, value)
        self.top, self.questions = self._answer(self.said)

    def _answer(self, raw: Raw) -> tuple[list[str], list[str]]:
        answer = self.engine.recommend(Company.parse(raw), self.options)
        (lane,) = [lane for lane in answer["lanes"] if lane["lane"] == LANE] or [{"matches": []}]
        fitting = [m["product_id"] for m in lane["matches"] if m["fit"] in RECOMMENDED]
        return fitting[:TOP], [question["fact"] for question in answer["next_questions"]]

    def _value(self, name: str) -> Any:
        if name in self.engine.catalogue.facts:
            return self.full["facts"].get(name)
        part: Any = self.full
        for step in name.split("."):
            part = part.get(step) if isinstance(part, dict) else None
        return part

    def _say(self, name: str, value: Any) -> None:
        if name in self.engine.catalogue.facts:
            self.said.setdefault("facts", {})[name] = value
            return
        top, _, rest = name.partition(".")
        if rest:
            self.said.setdefault(top, {})[rest] = value
        else:
            self.said[top] = value


def by_worth(talk: Interview) -> str | None:
    """The first of the engine's questions that was not asked yet."""
    return next((name for name in talk.questions if name not in talk.asked), None)


def dictionary(talk: Interview) -> list[str]:
    """Fields in the order of the profile, then the company's facts in that of the catalogue."""
    trade = [f"trade.{name}" for name in Trade.model_fields]
    need = [f"need.{name}" for name in Need.model_fields]
    parts = {"trade": trade, "need": need, "facts": [], "consents": []}
    skipped = ("id", "synthetic", "name_zh", "name_en", "uscc")
    fields = [n for n in Company.model_fields if n not in skipped]
    known = talk.engine.catalogue.facts.values()
    facts = [fact.id for fact in known if fact.asked_of == "company"]
    return [*(name for field in fields for name in parts.get(field, [field])), *facts]


def in_sections(talk: Interview) -> list[str]:
    """The same with trade and need asked for as a whole, as the engine may."""
    names = (n.partition(".")[0] if "." in n else n for n in dictionary(talk))
    return list(dict.fromkeys(names))


def fixed(talk: Interview) -> str | None:
    """The next of the dictionary."""
    return in_sections(talk)[len(talk.asked)]


def at_random(talk: Interview) -> str | None:
    """The next of an order that chance gives each company."""
    names = in_sections(talk)
    random.Random(talk.number).shuffle(names)  # noqa: S311 - a repeatable order, no secret
    return names[len(talk.asked)]


WAYS: dict[str, Next] = {
    "questions, financing alone": by_worth,
    ALL: by_worth,
    "fixed order": fixed,
    "random order": at_random,
}
