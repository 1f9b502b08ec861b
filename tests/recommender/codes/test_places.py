"""Places, countries and divisions: names, namesakes, and what is offered for an unknown one."""

import pytest
from code_examples import REFERENCE, sentences

from recommender import codes
from recommender.tables import read_rows


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


@pytest.mark.parametrize(
    ("value", "meant"), [("VNM", "VN"), ("越南", "VN"), ("Laos", "LA"), ("UK", "GB")]
)
def test_country_by_another_code_or_name(value, meant):
    assert codes.country_problem(value).allowed == [meant]


def test_country_names():
    assert codes.country_label("LA") == ("老挝", "Laos")
    assert codes.country_label("HK") == ("中国香港", "Hong Kong, China")
    assert codes.country_label("TW") == ("中国台湾", "Taiwan, China")


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
