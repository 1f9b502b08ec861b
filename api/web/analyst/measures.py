"""What was measured of a model, made ready to be shown: headline, peers, charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from api.web.charts.drawing import Chart
from api.web.charts.intervals import Interval, intervals
from api.web.charts.reliability import Bin, reliability
from api.web.words import say
from recommender.texts import Language, table, text

HEADLINE = "mrr"
MEASURES = ("mrr", "ndcg_3", "hit_1", "log_loss")
OWN = ("model", "current")
Json = Mapping[str, Any]


class Headline(NamedTuple):
    """The measure that counts most. best: name of the best peer; gap: the difference to it."""

    value: Json
    best: str | None
    gap: Json | None

    @property
    def verdict(self) -> str:
        """better, worse or even: whether the whole interval of the difference lies to one side."""
        if self.gap is None:
            return "even"
        return "better" if self.gap["low"] > 0 else "worse" if self.gap["high"] < 0 else "even"


def headline(evaluation: Json | None) -> Headline | None:
    """The headline of an evaluation; None where nothing was measured."""
    own = (evaluation or {}).get("measures", {}).get("model", {}).get(HEADLINE)
    if evaluation is None or own is None:
        return None
    values = {
        name: found[HEADLINE]["value"]
        for name, found in evaluation["measures"].items()
        if name not in OWN and found.get(HEADLINE)
    }
    best = max(values, key=lambda name: values[name], default=None)
    gap = None if best is None else (evaluation["against"].get(best) or {}).get(HEADLINE)
    return Headline(own, best, gap)


def shown(found: Json | None, language: Language, digits: int = 3) -> str:
    """A value with its interval in words."""
    if not found:
        return say(language, "not known")
    value, low, high = (f"{found[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def name_of(peer: str, language: Language) -> str:
    """A model or peer in words."""
    key = f"card.peer.{peer}"
    return text(key, language) if key in table() else peer


def beside_peers(evaluation: Json, language: Language) -> Chart:
    """The headline of a model and of everything it was held against, best first."""
    found = {n: m[HEADLINE] for n, m in evaluation["measures"].items() if m.get(HEADLINE)}
    own = found.get("model")
    order = sorted(found, key=lambda name: (name != "model", -found[name]["value"]))
    items = [_interval(name_of(n, language), found[n], language, own=n == "model") for n in order]
    return _drawn(items, language, own and own["value"])


def side_by_side(
    sides: Iterable[tuple[str, Json | None]], measure: str, language: Language
) -> Chart:
    """One measure of several models with its intervals."""
    items = [
        _interval(name, found[measure], language, own=number == 0)
        for number, (name, found) in enumerate(sides)
        if found and found.get(measure)
    ]
    return _drawn(items, language, None, measure)


def reliable(uptake: Json, language: Language) -> Chart:
    """What was stated against what came of it."""
    bins = [Bin(b["stated"], b["observed"], b["rows"]) for b in uptake["reliability"]]
    words = [text(f"card.{name}", language) for name in ("stated", "observed", "rows")]
    title = text("card.uptake", language)
    return reliability(bins, title, (words[0], words[1]), (words[0], words[1], words[2]))


def _interval(name: str, found: Json, language: Language, *, own: bool) -> Interval:
    css = "c-accent" if own else "c-soft"
    return Interval(name, found["low"], found["value"], found["high"], shown(found, language), css)


def _drawn(
    items: list[Interval], language: Language, mark: float | None, measure: str = HEADLINE
) -> Chart:
    named = text(f"card.measure.{measure}", language)
    title = say(language, "%(measure)s with its 95 %% interval", measure=named)
    return intervals(items, title, (text("card.name", language), named), mark)
