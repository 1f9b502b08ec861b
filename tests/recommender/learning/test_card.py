"""The card: one structure in both languages, every figure of the report, nothing executed."""

import re
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.learning.card import cards, group_name, interval, measures
from recommender.learning.evaluation import MEASURES
from recommender.matching.similarity import NAMES
from recommender.texts import LANGUAGES, text

NAMES_OF_CARDS = {f"card.{language}.{end}" for language in LANGUAGES for end in ("md", "html")}


@pytest.fixture(scope="module")
def report(trained):
    return trained.report


@pytest.fixture(scope="module")
def found(report):
    return cards("model-x", report)


def structure(page):
    """What kind of line stands where: headings, tables with their columns, text."""
    kinds = []
    for line in page.splitlines():
        if line.startswith("#"):
            kinds.append(re.match("#+", line)[0])
        elif line.startswith("|"):
            kinds.append(f"{len(line.split(' | '))} columns")
        else:
            kinds.append("text" if line else "")
    return kinds


def tags(page):
    return re.findall(r"<(/?[a-z0-9]+)", page)


def test_every_card_stands_in_both_languages_with_the_same_structure(found):
    assert set(found) == NAMES_OF_CARDS
    assert structure(found["card.en.md"]) == structure(found["card.zh.md"])
    assert tags(found["card.en.html"]) == tags(found["card.zh.html"])


def test_the_languages_do_not_mix(found):
    said = found["card.en.md"]
    assert re.findall("[\u4e00-\u9fff]+", said) == []
    for line in found["card.zh.md"].splitlines():
        words = re.findall(r"[A-Za-z]{4,}", line)
        assert len(words) < 8, line


def test_every_page_is_whole_and_holds_no_script(found):
    for name in ("card.zh.html", "card.en.html"):
        opened = [tag for tag in tags(found[name]) if tag not in ("meta", "line", "circle")]
        closed = [tag[1:] for tag in opened if tag.startswith("/")]
        assert sorted(closed) == sorted(tag for tag in opened if not tag.startswith("/"))
        assert "<script" not in found[name]
        assert "http" not in found[name]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_made_up_is_said_and_only_that(report, language):
    said = text("card.synthetic", language)
    assert said in cards("m", report)[f"card.{language}.md"]
    real = {**report, "synthetic": False}
    assert all(said not in page for page in cards("m", real).values())


def test_every_measure_of_every_peer_stands_with_its_interval(report, found):
    evaluation = report["evaluation"]
    for name, ours in evaluation["measures"].items():
        row = " | ".join(interval(ours[measure]) for measure in MEASURES)
        assert row in found["card.en.md"]
        if name != "model":
            assert interval(evaluation["against"][name]["mrr"]) in found["card.en.md"]


def test_weights_stand_beside_the_prior(report, found):
    for name in NAMES:
        row = report["weights"][name]
        label = text(f"feature.{name}.label", "en")
        assert f"| {label} | {row['prior']:.2f} | {interval(row, 2)} |" in found["card.en.md"]


def test_what_was_left_out_is_counted(report, found):
    for name, count in report["left_out"].items():
        line = f"| {text(f'card.left.{name}', 'en')} | {count} |"
        assert (line in found["card.en.md"]) == (count > 0)


def test_small_groups_show_no_figures(report, found):
    lines = report["evaluation"]["segments"]
    small = [line for line in lines if line["suppressed"]]
    above = found["card.en.md"].split(text("card.refusals", "en"))[0]
    assert small
    for name in {line["segment"] for line in small}:
        count = sum(line["segment"] == name for line in small)
        label, word = text(f"card.segment.{name}", "en"), text("card.suppressed", "en", count=count)
        assert f"| {label} | {word} | - | - | - |" in found["card.en.md"]
    for line in small:
        label = text(f"card.segment.{line['segment']}", "en")
        group = group_name(line["segment"], line["group"], "en")
        assert f"| {label} | {group} |" not in above


def test_groups_are_named_in_words(report, found):
    for language in LANGUAGES:
        page = found[f"card.{language}.md"]
        for line in report["evaluation"]["segments"]:
            if not line["suppressed"]:
                assert f"| {group_name(line['segment'], line['group'], language)} |" in page
        assert "| None |" not in page
        assert "| True |" not in page
    assert group_name("registered_province", "50", "zh") == "重庆市"


def test_the_plot_shows_every_bin(report, found):
    bins = report["evaluation"]["uptake"]["reliability"]
    assert found["card.en.html"].count("<circle") == len(bins)
    assert "<svg" not in found["card.en.md"]


def test_a_card_without_evaluation_still_says_what_it_was_made_from(report):
    bare = {name: value for name, value in report.items() if name != "evaluation"}
    said = cards("m", bare)["card.en.md"]
    assert report["outcomes_version"] in said
    assert text("card.measures", "en") not in said


def test_where_nothing_could_be_measured_a_dash_stands(report):
    empty = deepcopy(report)
    evaluation = empty["evaluation"]
    for table in ("measures", "against"):
        evaluation[table] = {n: dict.fromkeys(MEASURES) for n in evaluation[table]}
    evaluation |= {"uptake": None, "concentration": {}, "segments": []}
    for name, one in evaluation["off_policy"].items():
        evaluation["off_policy"][name] = {**one, "refused": "no_overlap"}
    pages = cards("m", empty)
    assert "| - | - | - | - |" in pages["card.en.md"]
    assert text("card.uptake_none", "zh") in pages["card.zh.md"]
    assert structure(pages["card.en.md"]) == structure(pages["card.zh.md"])


def test_names_in_a_card_are_text_and_never_markup(report):
    odd = {**report, "prior": "<b>&amp;"}
    page = cards("m", odd)["card.en.html"]
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;amp;" in page


@given(st.floats(-9, 9), st.floats(0, 9), st.integers(0, 4))
def test_an_interval_reads_back(value, wide, digits):
    said = interval({"value": value, "low": value - wide, "high": value + wide}, digits)
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", said)]
    assert numbers == pytest.approx([value, value - wide, value + wide], abs=0.51 * 10**-digits)
    assert interval(None) == "-"


def test_the_command_prints_the_same_measures(report):
    blocks = list(measures(report["evaluation"], "en"))
    assert [block.kind for block in blocks[:3]] == ["heading", "text", "table"]
    page = cards("m", report)["card.en.md"]
    for block in blocks:
        if block.kind == "table":
            assert all(f"| {' | '.join(line)} |" in page for line in block.content)
