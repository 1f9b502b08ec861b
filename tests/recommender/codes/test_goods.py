"""HS codes: levels, near misses, chapters and sections."""

import pytest

from recommender import codes


def test_hs_offers_the_nearest_subheadings():
    assert codes.hs_problem("843299").allowed == ["843290", "843280", "843242"]
    assert codes.hs_problem("8499").allowed == ["8487", "8486", "8485"]


@pytest.mark.parametrize("code", ["843", "84321", "8432100", "843210001", "", "84321000101"])
def test_hs_of_odd_or_absurd_length_is_refused(code):
    assert codes.hs_problem(code).code == "hs_form"


def test_hs_offers_the_zero_that_a_spreadsheet_ate():
    assert codes.hs_problem("901").allowed[0] == "0901"


@pytest.mark.parametrize("code", ["77", "7701", "98", "980400", "99", "9999", "999999"])
def test_hs_chapters_without_goods_are_refused(code):
    assert codes.hs_problem(code).code == "hs_reserved"


def test_national_digits_are_not_checked():
    assert codes.hs_problem("8432109999") is None


def test_hs_label_is_the_nearest_level_in_english_and_the_chapter_in_chinese():
    assert codes.hs_label("84321000") == (
        "核反应堆、锅炉、机器、机械器具及其零件",
        "Ploughs; for soil preparation",
    )
    assert codes.hs_label("0901").zh == "咖啡、茶、马黛茶及调味香料"


@pytest.mark.parametrize(
    ("chapter", "name"),
    [
        ("08", "食用水果及坚果；柑橘属水果或甜瓜的果皮"),
        ("31", "肥料"),
        ("40", "橡胶及其制品"),
        ("72", "钢铁"),
        ("87", "车辆及其零件、附件（铁道及电车道车辆除外）"),
    ],
)
def test_chinese_chapter_names(chapter, name):
    assert codes.hs_label(chapter).zh == name


def test_hs_sections():
    assert [codes.hs_section(c) for c in ("01", "31", "8432", "87")] == ["I", "VI", "XVI", "XVII"]
    assert codes.hs_section_label("XVII").zh == "车辆、航空器、船舶及有关运输设备"
    with pytest.raises(KeyError):
        codes.hs_section("77")
