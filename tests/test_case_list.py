"""tests/cases/README.md: every line of the check list has a case, and every case named exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recommender.tables import read_document

CASES = Path(__file__).parent / "cases"
PAGE = (CASES / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([A-Z]\d+) \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
TITLES = {case["title"] for path in sorted(CASES.glob("*.yaml")) for case in read_document(path)}
LINES = {"D": 20, "T": 8, "F": 11, "R": 16, "B": 8}
WITHOUT_A_CASE = {"T3"}


@pytest.mark.parametrize(("row", "what", "named"), ROWS, ids=[row for row, _, _ in ROWS])
def test_every_case_named_exists(row, what, named):
    assert what.strip()
    if row in WITHOUT_A_CASE:
        assert re.match(r"none: \w+", named)
    else:
        assert [title for title in named.split("<br>") if title not in TITLES] == []


def test_no_line_of_the_check_list_is_missing():
    wanted = [f"{letter}{n}" for letter, last in LINES.items() for n in range(1, last + 1)]
    assert [row for row, _, _ in ROWS] == wanted


def test_every_file_of_cases_is_named_on_the_list():
    named = {title for _, _, cases in ROWS for title in cases.split("<br>")}
    silent = [
        path.name
        for path in sorted(CASES.glob("*.yaml"))
        if not named & {case["title"] for case in read_document(path)}
    ]
    assert silent == []
