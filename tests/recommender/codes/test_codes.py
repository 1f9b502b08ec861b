"""Public codes: what passes, what does not, and what is offered instead."""

import csv
import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import codes
from recommender.errors import Problem
from recommender.tables import data_dir, read_document, read_rows
from recommender.texts import LANGUAGES, Label, problem_text

REFERENCE = data_dir() / "reference"
CHECKS = {
    "hs": codes.hs_problem,
    "locode": lambda code: codes.locode_problem(code, "XBR"),
    "country": codes.country_problem,
    "currency": codes.currency_problem,
    "division": codes.division_problem,
    "industry": codes.industry_problem,
    "uscc": codes.uscc_problem,
    "collateral": codes.collateral_type_problem,
}
LABELS = {
    "hs": codes.hs_label,
    "locode": codes.locode_label,
    "country": codes.country_label,
    "currency": codes.currency_label,
    "division": codes.division_label,
    "industry": codes.industry_label,
}
RIGHT = {
    "hs": ["84", "8432", "843210", "84321000", "8432100010", "0901", "870380"],
    "locode": ["CNCKG", "CNQZH", "VNHPH", "DEDUI", "USNYC"],
    "country": ["CN", "VN", "LA", "HK"],
    "currency": ["CNY", "USD", "VND", "KZT", "AED"],
    "division": ["50", "5001", "500106", "500000", "450700", "71", "81", "82"],
    "industry": ["C", "C35", "C351", "C3571", "G58", "N79", "T97"],
    "uscc": ["91310115591693856A", "91310110666007217T", "91350100M000100Y43"],
    "collateral": ["insured_receivable", "export_lc"],
}
WRONG = {
    "hs_form": ("hs", "843"),
    "hs_reserved": ("hs", "9801"),
    "hs_unknown": ("hs", "843299"),
    "locode_unknown": ("locode", "CNZZ9"),
    "locode_confusable": ("locode", "CNMOH"),
    "country_unknown": ("country", "VNM"),
    "currency_unknown": ("currency", "CNH"),
    "division_form": ("division", "500"),
    "division_unknown": ("division", "500199"),
    "industry_unknown": ("industry", "O79"),
    "uscc_form": ("uscc", "9131011559169385"),
    "uscc_check_digit": ("uscc", "91310115591693857A"),
    "uscc_body_check": ("uscc", "91310115591693857D"),
    "collateral_unknown": ("collateral", "export_receivables"),
}


def flat(kind: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, code) for name, values in kind.items() for code in values]


def wide(ascii_text: str) -> str:
    """The same characters in full width, as a Chinese keyboard gives them."""
    return "".join(chr(ord(c) + 0xFEE0) for c in ascii_text)


def sentences(problem: Problem) -> Label:
    placed = replace(problem, field="here")
    return Label(*(problem_text(placed, language) for language in LANGUAGES))


# --- every kind ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "code"), flat(RIGHT))
def test_right_codes_pass(kind, code):
    assert CHECKS[kind](code) is None


@pytest.mark.parametrize(("kind", "code"), [c for c in flat(RIGHT) if c[0] in LABELS])
def test_right_codes_have_names_in_both_languages(kind, code):
    label = LABELS[kind](code)
    assert all(half and half != code for half in label)


@pytest.mark.parametrize("code", WRONG)
def test_each_problem_renders_in_both_languages_with_place_and_value(code):
    kind, value = WRONG[code]
    problem = CHECKS[kind](value)
    assert (problem.code, problem.field, problem.value) == (code, "", value)
    for sentence in sentences(problem):
        assert sentence.startswith("here")
        assert value in sentence
        assert not {"{", "}"} & set(sentence)


def test_each_sentence_of_codes_has_its_wrong_example():
    assert set(read_document(data_dir() / "texts" / "codes.yaml")["error"]) == set(WRONG)


@given(st.sampled_from(sorted(CHECKS)), st.text() | st.from_regex(r"[0-9A-Za-z]{1,18}\n?"))
def test_no_string_raises_and_no_check_is_lenient(kind, value):
    problem = CHECKS[kind](value)
    assert problem is None or isinstance(problem, Problem)
    assert problem is not None or (value.isascii() and value == value.strip())
    for code in (problem.allowed if problem else None) or []:
        assert kind == "locode" or CHECKS[kind](code) is None


@given(st.sampled_from(sorted(LABELS)), st.text())
def test_no_string_is_without_a_label(kind, value):
    assert isinstance(LABELS[kind](value), Label)


@given(st.sampled_from(flat(RIGHT)), st.sampled_from(["  {}", "{}\n", "{}\u3000", "{}\u200b"]))
def test_blanks_around_a_code_do_not_slip_through(pair, frame):
    kind, code = pair
    assert CHECKS[kind](frame.format(code)).value == frame.format(code)


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        ("hs", wide("8432"), "8432"),
        ("hs", "8432.10", "843210"),
        ("hs", " 8432 ", "8432"),
        ("locode", "cnckg", "CNCKG"),
        ("locode", "CN CKG", "CNCKG"),
        ("country", "vn", "VN"),
        ("country", wide("VN"), "VN"),
        ("currency", "cny", "CNY"),
        ("division", wide("50"), "50"),
        ("industry", "c35", "C35"),
        ("industry", "35", "C35"),
        ("industry", "A35", "C35"),
        ("uscc", "91310115591693856a", "91310115591693856A"),
        ("uscc", wide("91310115591693856A"), "91310115591693856A"),
        ("uscc", "9131O115591693856A", "91310115591693856A"),
        ("uscc", "91310115 59169385 6A", "91310115591693856A"),
    ],
)
def test_another_way_of_writing_is_refused_with_the_right_one(kind, written, meant):
    problem = CHECKS[kind](written)
    assert problem.allowed == [meant]
    assert all(meant in sentence for sentence in sentences(problem))


@pytest.mark.parametrize("value", ["٨٤٣٢", wide("84"), "²²", "①②", "८४"])
@pytest.mark.parametrize("kind", ["hs", "division"])
def test_digits_of_other_scripts_are_not_digits(kind, value):
    assert CHECKS[kind](value).code == f"{kind}_form"


# --- HS ------------------------------------------------------------------------------------------


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


# --- UN/LOCODE -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "mode", "meant", "place", "node"),
    [
        ("CNMOH", "XBR", "CNMHN", "漠河", "磨憨"),
        ("CNMOH", "IRT", "CNMHN", "Mohe", "Mohan"),
        ("CNYGP", "RSI", "CNYPG", "上海", "洋浦"),
        ("CNYGP", "RSI", "CNYPG", "Shanghai", "Yangpu, Hainan"),
        ("CNXHH", "XBR", "CNHKM", "广东", "云南"),
        ("CNSIK", "XBR", "CNSKO", "广东", "广西"),
    ],
)
def test_a_namesake_on_a_corridor_mode_is_an_error_that_names_both_places(
    code, mode, meant, place, node
):
    problem = codes.locode_problem(code, mode)
    assert (problem.code, problem.allowed) == ("locode_confusable", [meant])
    both = " ".join(sentences(problem))
    assert place in both
    assert node in both


@pytest.mark.parametrize("mode", ["SEA", "RIV", "AIR", "CER", None])
def test_a_namesake_on_another_mode_is_a_place_like_any_other(mode):
    assert codes.locode_problem("CNMOH", mode) is None
    assert codes.locode_problem("CNYGP", mode) is None


@pytest.mark.parametrize(
    ("value", "offered"),
    [
        ("CNMHM", "CNMHN"),
        ("CNQHZ", "CNQZH"),
        ("钦州", "CNQZH"),
        ("qinzhou", "CNQZH"),
        ("团结村", "CNSPB"),
        ("Tuanjiecun", "CNSPB"),
        ("磨丁", "LABTN"),
    ],
)
def test_an_unknown_place_offers_corridor_nodes_first(value, offered):
    assert codes.locode_problem(value, "RSI").allowed[0] == offered


def test_the_beibu_gulf_is_three_ports():
    assert codes.locode_problem("北部湾", "RSI").allowed == ["CNBIH", "CNFAN", "CNQZH"]


def test_nodes_carry_the_name_of_the_trade_and_other_places_their_country():
    assert codes.locode_label("CNCKG") == ("重庆", "Chongqing")
    assert codes.locode_label("KHKOS") == ("西哈努克港", "Sihanoukville")
    assert codes.locode_label("DEHAM") == ("德国 Hamburg", "Hamburg, Germany")


def test_every_node_and_namesake_is_in_the_list():
    modes = {"RSI", "XBR", "IRT", "CER", "RIV", "SEA", "AIR"}
    nodes = [row.values for row in read_rows(REFERENCE / "corridor_nodes.csv")]
    assert len(nodes) == 43
    for node in nodes:
        assert codes.locode_problem(node["code"], None) is None
        assert all(codes.locode_problem(node["code"], m) is None for m in node["modes"].split("|"))
        assert set(node["modes"].split("|")) <= modes
        assert codes.country_problem(node["country"]) is None
        assert (node["division"] is None) is (node["country"] != "CN")
        assert node["division"] is None or codes.division_problem(node["division"]) is None
    known = {node["code"] for node in nodes}
    for row in read_rows(REFERENCE / "confusable_locodes.csv"):
        assert codes.locode_problem(row.values["code"], None) is None
        assert row.values["meant"] in known


# --- countries and currencies --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "meant"), [("VNM", "VN"), ("越南", "VN"), ("Laos", "LA"), ("UK", "GB")]
)
def test_country_by_another_code_or_name(value, meant):
    assert codes.country_problem(value).allowed == [meant]


def test_country_names():
    assert codes.country_label("LA") == ("老挝", "Laos")
    assert codes.country_label("HK") == ("中国香港", "Hong Kong, China")
    assert codes.country_label("TW") == ("中国台湾", "Taiwan, China")


@pytest.mark.parametrize(("value", "meant"), [("CNH", "CNY"), ("RMB", "CNY"), ("泰铢", "THB")])
def test_currency_by_another_name(value, meant):
    assert codes.currency_problem(value).allowed == [meant]


@pytest.mark.parametrize("code", ["DEM", "ITL", "HRK", "ANG", "XAU", "XXX", "XTS"])
def test_withdrawn_currencies_and_metals_are_refused(code):
    assert codes.currency_problem(code).code == "currency_unknown"


def test_minor_units():
    units = [codes.minor_unit(c) for c in ("CNY", "VND", "JPY", "KRW", "LAK", "KWD")]
    assert units == [2, 0, 0, 0, 2, 3]
    with pytest.raises(KeyError):
        codes.minor_unit("CNH")


CORRIDOR_CURRENCIES = (
    "CNY USD EUR HKD SGD THB VND LAK MYR IDR KHR MMK PHP KZT AED JPY GBP KRW INR AUD"
)


@pytest.mark.parametrize("code", CORRIDOR_CURRENCIES.split())
def test_corridor_currencies_have_chinese_names(code):
    assert codes.currency_label(code).zh != code


# --- divisions and industries --------------------------------------------------------------------


def test_division_labels():
    assert codes.division_label("50") == ("重庆市", "Chongqing")
    assert codes.division_label("500106") == ("重庆市沙坪坝区", "Shapingba District, Chongqing")
    assert codes.division_label("450700") == ("广西壮族自治区钦州市", "Qinzhou, Guangxi")
    assert codes.division_label("320106") == ("江苏省南京市鼓楼区", "320106, Jiangsu")
    assert codes.division_label("5001").zh == "重庆市市辖区"


@pytest.mark.parametrize("code", ["500", "50010", "5", "", "5001060", "50010600"])
def test_division_of_odd_or_absurd_length_is_refused(code):
    assert codes.division_problem(code).code == "division_form"


@pytest.mark.parametrize("code", ["00", "99", "0000", "990000", "10"])
def test_unassigned_divisions_are_unknown(code):
    assert codes.division_problem(code).code == "division_unknown"


def test_industry_names_are_those_of_2017():
    assert codes.industry_label("G58").zh == "多式联运和运输代理业"
    assert codes.industry_label("G59").zh == "装卸搬运和仓储业"
    assert codes.industry_label("C3571").en == "Special-purpose machinery"
    assert codes.industry_label("C13") == ("农副食品加工业", "Manufacturing (C13)")


@pytest.mark.parametrize(("old", "new"), [("O79", "O80"), ("R85", "R86"), ("T96", "T97")])
def test_a_division_of_2011_is_refused_with_its_successor(old, new):
    assert codes.industry_problem(old).allowed == [new]


@pytest.mark.parametrize("code", ["C3", "C35711", "U99", "35C", "G53.1"])
def test_industry_of_a_wrong_shape_is_refused(code):
    assert codes.industry_problem(code).code == "industry_unknown"


# --- USCC ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", RIGHT["uscc"])
def test_any_altered_character_of_a_uscc_fails(code):
    for place, character in enumerate(code):
        other = "1" if character != "1" else "2"
        assert codes.uscc_problem(code[:place] + other + code[place + 1 :]) is not None


def test_a_wrong_check_digit_says_which_was_expected():
    problem = codes.uscc_problem("91310115591693856B")
    assert (problem.code, problem.params["expected"]) == ("uscc_check_digit", "A")


def test_a_wrong_organisation_code_is_found_behind_a_right_check_digit():
    problem = codes.uscc_problem("91310115591693857D")
    assert (problem.code, problem.params["expected"]) == ("uscc_body_check", "6")


def test_what_a_uscc_says():
    facts = codes.uscc_facts("91310115591693856A")
    assert facts == {
        "registering_authority": "9",
        "authority_label": Label("市场监督管理部门", "Market regulation administration"),
        "entity_type": "1",
        "registered_province": "310115",
        "organisation_code": "591693856",
        "unassigned_region": False,
    }
    assert codes.uscc_facts("91350100M000100Y43")["registered_province"] == "350100"
    assert codes.uscc_facts("not a code") == {}


def test_a_synthetic_firm_has_an_unassigned_region():
    assert codes.uscc_problem("91990000MA0000017Y") is None
    facts = codes.uscc_facts("91990000MA0000017Y")
    assert facts["unassigned_region"] is True
    assert facts["registered_province"] is None


def test_a_firm_registered_by_the_state_is_not_unassigned():
    facts = codes.uscc_facts("91110000600037341L")
    assert facts["registered_province"] == "110000"
    assert codes.uscc_facts("91100000100003962T")["unassigned_region"] is False


# --- collateral ----------------------------------------------------------------------------------

FAMILIES = {
    "insured_receivable",
    "receivable",
    "title_document",
    "goods_pledge",
    "documentary_credit",
    "tax_rebate",
    "real_estate",
    "equipment",
    "deposit",
    "guarantee",
}


def test_collateral_types_have_families_labels_and_say_whether_they_cover():
    types = codes.collateral_types()
    assert {kind.family for kind in types} == FAMILIES
    assert [kind.type for kind in types if not kind.counts_in_coverage] == ["export_lc"]
    assert all(half for kind in types for half in kind.label)
    assert codes.collateral_type("digital_bl").family == "title_document"
    with pytest.raises(KeyError):
        codes.collateral_type("rail_waybill")


def test_an_unknown_collateral_type_lists_all_and_offers_the_nearest():
    problem = codes.collateral_type_problem("export_receivables")
    assert problem.allowed == [kind.type for kind in codes.collateral_types()]
    assert "Did you mean export_receivable (Export receivable)" in sentences(problem).en


# --- addresses of sources ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://wodefinance.com/a",
        "http://www.wodefinance.com",
        "https://WODEFINANCE.com.",
        "https://good.org@wodefinance.com/",
        "https://wodefinance.com:8443/x?y=1",
        "https://m40.xygjyoga.com/xinwendongtai/1998077",
        "https://10100.com/article/7618503",
        "https://www.boc.cn/zm/x.html",
        "https://boc.cn/zm",
        "https://boc.cn//x/../%7am/page",
        "https://www.chinalawandpractice.com/2001/10/01/some",
        "ftp://safe.gov.cn/x",
        "javascript:alert(1)",
        "https://",
        "https://[::1",
        "https:\\\\safe.gov.cn",
        "https://safe.gov.cn/a b",
        f"https://{wide('w')}odefinance.com/",
        "",
    ],
)
def test_pages_not_to_be_linked(url):
    assert not codes.linkable(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://www.safe.gov.cn/chongqing/2023/1220/2727.html",
        "https://www.boc.cn/cbservice/x.html",
        "https://boc.cn/zmx",
        "https://www.chinalawandpractice.com/articles/x",
        "https://notwodefinance.com/",
    ],
)
def test_pages_that_may_be_linked(url):
    assert codes.linkable(url)


@given(st.text())
def test_no_address_raises(url):
    assert codes.linkable(url) in (True, False)


# --- the tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hs.csv", "divisions.csv", "unlocode.csv.gz"])
def test_the_long_tables_are_sorted_and_have_one_line_per_code(name):
    raw = (REFERENCE / name).read_bytes()
    lines = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode().splitlines()
    found = [row[0] for row in csv.reader(lines[1:])]
    assert found == sorted(set(found))
    assert [line.partition(",")[0] for line in lines[1:]] == found


def test_the_packed_table_carries_no_date():
    assert (REFERENCE / "unlocode.csv.gz").read_bytes()[4:8] == bytes(4)


def test_sizes_of_the_tables():
    rows = {p.name: sum(1 for _ in read_rows(p)) for p in sorted(REFERENCE.glob("*.csv*"))}
    assert rows["hs2.csv"] == 96
    assert rows["hs_sections.csv"] == 21
    assert rows["countries.csv"] == 249
    assert rows["gbt4754.csv"] == 20 + 97
    assert rows["unlocode.csv.gz"] == 115883


def test_every_currency_of_a_country_and_every_section_of_a_chapter_exists():
    for row in read_rows(REFERENCE / "countries.csv"):
        assert (
            row.values["currency"] is None or codes.currency_problem(row.values["currency"]) is None
        )
    for row in read_rows(REFERENCE / "hs2.csv"):
        assert codes.hs_section_label(codes.hs_section(row.values["chapter"]))
