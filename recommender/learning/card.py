"""The model card: what a model was learned from, how good it is, and for whom less so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from recommender.learning.evaluation import HEADLINE, MEASURES
from recommender.texts import LANGUAGES, Language, table, text

Json = Mapping[str, Any]
WIDE, EDGE = 320, 30
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;"
    "border-bottom:1px solid #ccc}strong{color:#a00}"
)


class Block(NamedTuple):
    """A part of a card. kind: heading, text, strong, table or plot."""

    kind: str
    content: Any


def cards(version: str, report: Json) -> dict[str, str]:
    """The card as Markdown and HTML in both languages, by file name."""
    found = {}
    for language in LANGUAGES:
        blocks = list(_blocks(version, report, language))
        found[f"card.{language}.md"] = _markdown(blocks)
        found[f"card.{language}.html"] = _html(blocks, language)
    return found


def interval(found: Json | None, digits: int = 3) -> str:
    """A value with its interval, `-` where there is none.

    >>> interval({"value": 0.5, "low": 0.25, "high": 0.75}, 2)
    '0.50 [0.25, 0.75]'
    """
    if not found:
        return "-"
    value, low, high = (f"{found[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _blocks(version: str, report: Json, language: Language) -> Iterator[Block]:
    def said(key: str, **params: Any) -> str:
        return text(f"card.{key}", language, **params)

    yield Block("title", said("title", version=version))
    if report["synthetic"]:
        yield Block("strong", said("synthetic"))
    yield from _data(report, said)
    evaluation = report.get("evaluation")
    if evaluation:
        yield from measures(evaluation, language)
        yield from _weights(report, language, said)
        yield from _kinds(report, language, said)
        yield from _uptake(evaluation["uptake"], said)
        yield from _segments(evaluation, said)
    yield from _refusals(report["refusals"], said)
    yield Block("heading", said("limits"))
    yield Block("text", said("limits_text"))


Said = Callable[..., str]


def _data(report: Json, said: Said) -> Iterator[Block]:
    versions = {"outcomes": report["outcomes_version"], "catalogue": report["catalogue_version"]}
    named = {name: report[name] for name in ("prior", "seed", "events")}
    yield Block("heading", said("data"))
    yield Block("text", said("data_text", **versions, **named))
    names = ("from", "until", "lists", "firms", "taken")
    lines = [
        [said(f"periods.{name}"), *(str(period[column] or "-") for column in names)]
        for name, period in report["periods"].items()
    ]
    yield Block("table", [[said("period"), *map(said, names)], *lines])
    left = [[said(f"left.{name}"), str(n)] for name, n in report["left_out"].items() if n]
    yield Block("table", [[said("left_out"), said("lists")], *(left or [[said("none"), "0"]])])


def measures(evaluation: Json, language: Language) -> Iterator[Block]:
    """Measures beside those of peers, with differences; and the off-policy estimate."""

    def said(key: str, **params: Any) -> str:
        return text(f"card.{key}", language, **params)

    counts = {"lists": evaluation["lists"], "firms": evaluation["firms"]}
    yield Block("heading", said("measures"))
    yield Block("text", said("measures_text", **counts))
    gap = said("difference", measure=said(f"measure.{HEADLINE}"))
    head = [said("name"), *(said(f"measure.{name}") for name in MEASURES), gap]
    lines = []
    for name, found in evaluation["measures"].items():
        against = evaluation["against"].get(name)
        cells = [interval(found[measure]) for measure in MEASURES]
        lines.append([_peer(name, language), *cells, interval(against and against[HEADLINE])])
    yield Block("table", [head, *lines])
    yield Block("heading", said("off_policy"))
    yield Block("text", said("off_policy_text"))
    names = ("value", "shown_value", "effective")
    gap = said("difference", measure=said("value"))
    lines = [_off_policy(_peer(n, language), f, said) for n, f in evaluation["off_policy"].items()]
    yield Block("table", [[said("name"), *map(said, names), gap], *lines])
    if evaluation["concentration"]:
        sides = {n: interval(side) for n, side in evaluation["concentration"].items()}
        yield Block("heading", said("concentration"))
        yield Block("text", said("concentration_text", **sides))


def _peer(name: str, language: Language) -> str:
    key = f"card.peer.{name}"
    return text(key, language) if key in table() else name


def _off_policy(name: str, found: Json, said: Said) -> list[str]:
    effective = f"{found['effective']:.0f}"
    if found["refused"]:
        return [name, said(f"refused.{found['refused']}"), "-", effective, "-"]
    sides = [interval(found[side]) for side in ("value", "shown")]
    return [name, *sides, effective, interval(found["difference"])]


def _weights(report: Json, language: Language, said: Said) -> Iterator[Block]:
    yield Block("heading", said("weights"))
    lines = [
        [text(f"feature.{name}.label", language), f"{found['prior']:.2f}", interval(found, 2)]
        for name, found in report["weights"].items()
    ]
    yield Block("table", [[said("feature"), said("prior"), said("weight")], *lines])
    yield Block("text", said("position_text", points=f"{report['position']:.2f}"))


def _kinds(report: Json, language: Language, said: Said) -> Iterator[Block]:
    found = report["affinity"]
    yield Block("heading", said("kinds"))
    yield Block("text", said("kinds_text", tokens=found["tokens"]))
    lines = [
        [text(f"feature.kind_{line['kind']}.label", language), interval(line, 4),
         said("yes" if line["kept"] else "no")]
        for line in found["tried"]
    ]  # fmt: skip
    yield Block("table", [[said(name) for name in ("kind", "change", "kept")], *lines])
    yield Block("text", said("peers_kept" if report["peers"] else "peers_left"))


def _uptake(found: Json | None, said: Said) -> Iterator[Block]:
    yield Block("heading", said("uptake"))
    if found is None:
        yield Block("text", said("uptake_none"))
        return
    error, base = interval(found["error"]), interval(found["error_of_shares"])
    loss = interval(found["loss_against_shares"])
    yield Block("text", said("uptake_text", error=error, base=base, loss=loss))
    yield Block("plot", found["reliability"])
    lines = [
        [f"{b['stated']:.2f}", interval({"value": b["observed"], **b}, 2), str(b["rows"])]
        for b in found["reliability"]
    ]
    yield Block("table", [[said("stated"), said("observed"), said("rows")], *lines])


def _segments(evaluation: Json, said: Said) -> Iterator[Block]:
    yield Block("heading", said("segments"))
    yield Block("text", said("segments_text"))
    names = [said("segment.size_class"), said("group"), said("firms"), said(f"measure.{HEADLINE}")]
    lines = []
    for line in evaluation["segments"]:
        own = [said(f"segment.{line['segment']}"), line["group"]]
        if line["suppressed"]:
            lines.append([*own, said("suppressed"), "-", "-"])
        else:
            figures = [interval(line["value"]), interval(line["against"])]
            lines.append([*own, str(line["firms"]), *figures])
    gap = said("difference", measure=said(f"measure.{HEADLINE}"))
    yield Block("table", [["", names[1], names[2], names[3], gap], *lines])


def _refusals(found: Sequence[Json], said: Said) -> Iterator[Block]:
    yield Block("heading", said("refusals"))
    yield Block("text", said("refusals_text"))
    lines = [
        [said(f"segment.{line['segment']}"), line["group"],
         said("suppressed") if line["suppressed"] else interval(line)]
        for line in found
    ]  # fmt: skip
    yield Block("table", [["", said("group"), said("share")], *lines])


def _markdown(blocks: Sequence[Block]) -> str:
    marks = {"title": "# ", "heading": "## ", "text": "", "strong": ""}
    parts = []
    for kind, content in blocks:
        if kind == "table":
            head, *lines = [f"| {' | '.join(line)} |" for line in content]
            parts.append("\n".join([head, "|" + "---|" * len(content[0]), *lines]))
        elif kind in marks:
            parts.append(f"**{content}**" if kind == "strong" else f"{marks[kind]}{content}")
    return "\n\n".join(parts) + "\n"


def _html(blocks: Sequence[Block], language: Language) -> str:
    tags = {"title": "h1", "heading": "h2", "text": "p"}
    parts = []
    for kind, content in blocks:
        if kind == "table":
            parts.append(_table(content))
        elif kind == "plot":
            parts.append(_plot(content))
        elif kind == "strong":
            parts.append(f"<p><strong>{escape(content)}</strong></p>")
        else:
            parts.append(f"<{tags[kind]}>{escape(content)}</{tags[kind]}>")
    title, body = escape(blocks[0].content), "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _table(lines: Sequence[Sequence[str]]) -> str:
    rows = []
    for number, line in enumerate(lines):
        tag = "td" if number else "th"
        rows.append("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line) + "</tr>")
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def _plot(bins: Sequence[Json]) -> str:
    """Observed against stated shares with their intervals, beside the line of what would hold."""

    def x(share: float) -> str:
        return f"{EDGE + share * (WIDE - 2 * EDGE):.1f}"

    def y(share: float) -> str:
        return f"{WIDE - EDGE - share * (WIDE - 2 * EDGE):.1f}"

    def line(a: Sequence[float], b: Sequence[float], more: str) -> str:
        ends = f'x1="{x(a[0])}" y1="{y(a[1])}" x2="{x(b[0])}" y2="{y(b[1])}"'
        return f'<line {ends} stroke="{more}"/>'

    parts = [
        line((0, 0), (1, 1), "#aaa"),
        line((0, 0), (1, 0), "#333"),
        line((0, 0), (0, 1), "#333"),
    ]
    for b in bins:
        at = b["stated"]
        parts.append(line((at, b["low"]), (at, b["high"]), "#06c"))
        parts.append(f'<circle cx="{x(at)}" cy="{y(b["observed"])}" r="4" fill="#06c"/>')
    return f'<svg width="{WIDE}" height="{WIDE}" role="img">' + "".join(parts) + "</svg>"
