"""Charts: a title, a description, a table that says the same, and nothing outside the picture."""

import re
from xml.etree import ElementTree

import pytest

from api.web.charts.bars import Bar, bars
from api.web.charts.intervals import Interval, intervals
from api.web.charts.reliability import Bin, reliability
from api.web.charts.timeline import Moment, timeline
from api.web.charts.waterfall import Step, waterfall

ODD = "<b>&\"'"
CHARTS = {
    "bars": bars([Bar(ODD, 2, "2"), Bar("b", 0, "0")], "Title", ("what", "value")),
    "no bars": bars([], "Title", ("what", "value")),
    "waterfall": waterfall([Step(ODD, 0, 9, "9"), Step("b", 9, 4, "5")], "Title", ("a", "b")),
    "timeline": timeline(
        [Moment(0, "now", (3, 1), ("3", "1")), Moment(9, ODD, (3, 2), ("3", "2"))],
        "Title",
        ("need", "cover"),
        "when",
    ),
    "no timeline": timeline([], "Title", ("need", "cover"), "when"),
    "intervals": intervals([Interval(ODD, 0.1, 0.2, 0.3, "0.2")], "Title", ("a", "b"), 0.15),
    "reliability": reliability([Bin(0.1, 0.2, 30)], "Title", ("x", "y"), ("x", "y", "n")),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_an_image_with_words(chart):
    root = ElementTree.fromstring(str(chart.svg))  # noqa: S314 - made here
    space = root.tag.removesuffix("svg")
    assert root.get("role") == "img"
    assert root.find(f"{space}title").text == "Title"
    assert root.find(f"{space}desc") is not None
    assert "style" not in str(chart.svg)
    assert all(len(row) == len(chart.head) for row in chart.rows)


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_nothing_lies_outside_of_the_picture(chart):
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', chart.svg)[1].split())
    for x, w in re.findall(r'<rect x="([\d.-]+)" y="[\d.-]+" width="([\d.-]+)"', chart.svg):
        assert -0.1 <= float(x) <= float(x) + float(w) <= width + 0.1
    for y in re.findall(r' y1?="([\d.-]+)"', chart.svg):
        assert -0.1 <= float(y) <= height + 0.1


def test_what_is_said_is_escaped_once():
    assert "&lt;b&gt;&amp;&#34;&#39;" in CHARTS["bars"].svg
    assert "&amp;lt;" not in CHARTS["bars"].svg


def test_a_waterfall_ends_at_the_gap():
    svg = CHARTS["waterfall"].svg
    assert re.search(r'<rect x="160" y="58" width="200"', svg)
