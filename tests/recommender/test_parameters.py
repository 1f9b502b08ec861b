"""Dated parameters: what holds on which day, and every problem of a wrong file at once."""

import shutil
from datetime import date
from decimal import Decimal

import pytest

from recommender import codes
from recommender.errors import InvalidOptions, InvalidParameters, NotFound, UnreadableFile
from recommender.parameters import Parameters, checked_rates
from recommender.tables import data_dir
from recommender.texts import LANGUAGES, problem_text, table

FOLDER = data_dir() / "parameters"
FILES = ("advance_rates.yaml", "sme_size.yaml", "values.yaml", "sources.yaml")
TABLES = ("fx_monthly.csv", "oecd_crc.csv")
DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def parameters():
    return Parameters.load()


@pytest.fixture
def folder(tmp_path):
    """A copy that a test may spoil."""
    for name in (*FILES, *TABLES):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def replace(folder, name, old, new):
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def problems(folder):
    with pytest.raises(InvalidParameters) as caught:
        Parameters.load(folder)
    return caught.value.problems


# --- what is in the files ------------------------------------------------------------------------


def test_every_value_has_a_unit_a_source_and_a_name(parameters):
    for name, (unit, versions) in parameters.values.items():
        assert unit in ("share", "factor", "USD", "CNY")
        assert all(version.source.title for version in versions)
        assert f"parameter.{name}" in table()


def test_every_collateral_type_has_an_advance(parameters):
    for kind in codes.collateral_types():
        advance = parameters.advance(kind.type, DAY)
        assert 0 <= advance.low <= advance.default <= advance.high <= 1
        assert advance.source.title


def test_a_weak_publisher_is_never_linked(parameters):
    versions = [v for _, found in parameters.values.values() for v in found]
    versions += [v for found in parameters.advances.values() for v in found]
    linked = [v.source.url for v in versions if v.source.url]
    assert linked
    assert [url for url in linked if not codes.linkable(url)] == []


def test_the_share_of_a_public_guarantee_is_one_number(parameters):
    share = parameters.value("guarantee_share", DAY).value
    assert parameters.advance("public_guarantee", DAY).default == share


# --- values in force -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "day", "value"),
    [
        ("risk_reserve", date(2022, 9, 27), None),
        ("risk_reserve", date(2022, 9, 28), Decimal("0.2")),
        ("risk_reserve", date(2026, 3, 1), Decimal("0.2")),
        ("risk_reserve", date(2026, 3, 2), Decimal("0")),
        ("self_borrowing_quota", date(2022, 5, 30), None),
        ("self_borrowing_quota", DAY, Decimal(10_000_000)),
        ("self_borrowing_quota_innovation_points", date(2025, 9, 14), None),
        ("self_borrowing_quota_innovation_points", date(2025, 9, 15), Decimal(20_000_000)),
        ("forward_margin", DAY, Decimal("0.05")),
        ("lc_margin", DAY, Decimal("0.2")),
    ],
)
def test_a_value_holds_from_its_day(parameters, name, day, value):
    found = parameters.value(name, day)
    assert (None if found is None else found.value) == value


def test_a_range_has_two_ends(parameters):
    target = parameters.value("hedge_target", DAY)
    assert (target.low, target.high, target.value) == (Decimal("0.5"), Decimal("0.7"), None)
    assert (target.provenance["low"], parameters.unit("hedge_target")) == ("secondary", "share")


def test_an_unknown_name_is_an_error(parameters):
    with pytest.raises(NotFound):
        parameters.value("no_such_value", DAY)
    with pytest.raises(NotFound):
        parameters.unit("no_such_value")


def test_a_type_stands_before_its_family(parameters):
    plant, flat = (parameters.advance(t, DAY) for t in ("industrial_plant", "residential_property"))
    assert (plant.default, flat.default) == (Decimal("0.5"), Decimal("0.6"))
    insured = parameters.advance("insured_receivable", DAY)
    assert (insured.default, insured.parts["high"]) == (Decimal("0.8"), "first_hand")
    assert insured.provenance == "illustrative"
    assert parameters.advance("industrial_plant", date(2014, 12, 31)) is None


@pytest.mark.parametrize(
    ("industry", "row"),
    [
        ("A01", "agriculture"),
        ("B06", "industry"),
        ("C35", "industry"),
        ("D44", "industry"),
        ("F51", "wholesale"),
        ("F5211", "retail"),
        ("G53", None),
        ("G54", "transport"),
        ("G58", "transport"),
        ("G59", "warehousing"),
        ("G591", "transport"),
        ("G592", "warehousing"),
        ("L72", "leasing_business_services"),
        ("K701", "real_estate_development"),
        ("K704", None),
        ("Q84", None),
        ("Q85", "other"),
        ("J66", None),
        ("G", None),
    ],
)
def test_industries_have_the_row_of_the_official_table_or_none(parameters, industry, row):
    found = parameters.sme_rows(DAY).row_of(industry)
    assert (None if found is None else found.id) == row


def test_no_size_table_before_the_first(parameters):
    assert parameters.sme_rows(date(2011, 6, 17)) is None


def test_not_classified_is_not_zero_risk(parameters):
    assert parameters.oecd_class("SG").value == 0
    assert parameters.oecd_class("US").value is None
    assert parameters.oecd_class("XX") is None
    assert parameters.oecd_class("VN", date(2026, 1, 29)) is None
    classes = {c: parameters.oecd_class(c, DAY).value for c in ("VN", "TH", "ID", "KH", "LA", "MM")}
    assert classes == {"VN": 4, "TH": 3, "ID": 3, "KH": 6, "LA": 7, "MM": 7}


# --- exchange rates ------------------------------------------------------------------------------


def test_a_month_counts_when_it_has_ended(parameters):
    assert parameters.rate("USD", date(2026, 6, 29)).date == date(2026, 5, 31)
    june = parameters.rate("USD", date(2026, 6, 30))
    assert (june.date, june.cny_per_unit, june.stale) == (
        date(2026, 6, 30),
        Decimal("6.7758"),
        False,
    )
    assert parameters.rate("USD", date(2015, 1, 30)) is None


def test_an_old_rate_is_used_and_says_so(parameters):
    assert parameters.rate("USD", date(2026, 9, 30)).stale is False
    assert parameters.rate("USD", DAY).stale is True


@pytest.mark.parametrize(
    ("currency", "low", "high"),
    [("EUR", 7, 9), ("GBP", 8, 10), ("AUD", 4, 6), ("HKD", 0.8, 1), ("JPY", 0.03, 0.06)],
)
def test_no_rate_is_upside_down(parameters, currency, low, high):
    assert low < parameters.rate(currency, DAY).cny_per_unit < high


def test_cny_is_one_and_an_unlisted_currency_has_no_rate(parameters):
    assert parameters.rate("CNY", DAY).cny_per_unit == 1
    assert parameters.rate("VND", DAY) is None
    assert "VND" not in parameters.rates(DAY)
    assert {"CNY", "USD", "EUR"} <= set(parameters.rates(DAY))


def test_a_rate_given_with_the_request_stands_first(parameters):
    given = checked_rates({"VND": {"rate": 0.00026, "date": "2026-11-20"}}, DAY)
    rate = parameters.rates(DAY, given)["VND"]
    assert (rate.cny_per_unit, rate.date) == (Decimal("0.00026"), date(2026, 11, 20))
    assert parameters.rate("VND", DAY, given) is rate
    assert checked_rates(None, DAY) == {}


def test_every_wrong_rate_is_reported():
    raw = {
        "XXQ": {"rate": 1, "date": "2026-11-20"},
        "CNY": {"rate": 1, "date": "2026-11-20"},
        "USD": {"rate": 0, "date": "2026-11-24"},
        "EUR": {"rate": "7.8"},
        "JPY": {"rate": 0.04, "date": "2026-11-24"},
        "THB": 0.2,
    }
    with pytest.raises(InvalidOptions) as caught:
        checked_rates(raw, DAY)
    assert sorted((p.field, p.code) for p in caught.value.problems) == [
        ("rates.CNY", "rate_currency"),
        ("rates.EUR.date", "missing"),
        ("rates.EUR.rate", "not_number"),
        ("rates.JPY.date", "rate_after_as_of"),
        ("rates.THB", "not_record"),
        ("rates.USD.rate", "not_above"),
        ("rates.XXQ", "currency_unknown"),
    ]
    with pytest.raises(InvalidOptions):
        checked_rates([1], DAY)


# --- wrong files ---------------------------------------------------------------------------------


def test_every_problem_of_every_file_is_reported_at_once(folder):
    replace(folder, "values.yaml", "unit: share", "unit: percent")
    replace(folder, "values.yaml", "from: 2026-03-02", "from: 2022-09-28")
    replace(folder, "values.yaml", "low: 0.50\n      high: 0.70", "low: 0.80\n      high: 0.70")
    replace(folder, "advance_rates.yaml", "freight_receivable:", "freight:")
    replace(folder, "advance_rates.yaml", "high: 1.00", "high: 1.10")
    replace(folder, "sme_size.yaml", "medium: {staff: 300,", "medium: {staff: 20,")
    replace(folder, "fx_monthly.csv", "2015-01,AUD,1.2401", "2015-13,AUD,-1")
    replace(folder, "fx_monthly.csv", "2015-02,CNY", "2015-02,USD")
    replace(folder, "fx_monthly.csv", "2015-03,CNY", "2015-03,EUR")
    replace(folder, "oecd_crc.csv", "VN,4,", "VN,8,")
    replace(folder, "oecd_crc.csv", "TH,3,2026-01-30", "TH,3,soon")
    replace(folder, "oecd_crc.csv", "ID,3,", "UK,3,")
    replace(folder, "oecd_crc.csv", "KH,6,", "SG,6,")
    found = problems(folder)
    assert {problem.code for problem in found} == {
        "not_one_of",
        "versions_overlap",
        "range_reversed",
        "collateral_unknown_here",
        "advance_form",
        "size_bounds",
        "not_month",
        "not_above",
        "rate_currency",
        "month_without_cny",
        "duplicate_code",
        "not_date",
        "country_unknown_here",
    }
    assert all(problem.file for problem in found)
    assert all(problem.row for problem in found if problem.code in ("not_month", "not_date"))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("      value: 0.05\n", "", "forward_margin.versions[0].value"),
        ("value: 0.05\n", "value: 0.05\n      low: 0.01\n", "forward_margin.versions[0].value"),
        ("until: 2025-09-14", "until: 2022-05-30", "self_borrowing_quota.versions[0].until"),
        ("value: 0.05", "value: -1", "forward_margin.versions[0].value"),
        ("value: 0.05", "value: '0.05'", "forward_margin.versions[0].value"),
        (
            "provenance: secondary",
            "provenance: {low: secondary}",
            "hedge_target.versions[0].provenance.high",
        ),
        ("provenance: illustrative", "provenance: hearsay", None),
    ],
)
def test_a_wrong_version_is_named(folder, old, new, field):
    replace(folder, "values.yaml", old, new)
    fields = [problem.field for problem in problems(folder)]
    assert field in fields if field else any("provenance" in place for place in fields)


def test_a_file_of_another_shape_is_refused(folder):
    (folder / "values.yaml").write_text("[1, 2]", "utf-8")
    (folder / "oecd_crc.csv").write_text("iso2,risk\nVN,4\n", "utf-8")
    assert sorted(problem.code for problem in problems(folder)) == ["not_record", "unknown_field"]


def test_a_missing_file_is_unreadable(folder):
    (folder / "fx_monthly.csv").unlink()
    with pytest.raises(UnreadableFile):
        Parameters.load(folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_can_be_worded(folder, language):
    own = {
        "parameter_form",
        "advance_form",
        "size_bounds",
        "versions_overlap",
        "duplicate_code",
        "collateral_unknown_here",
        "country_unknown_here",
        "not_month",
        "month_without_cny",
        "rate_currency",
        "rate_after_as_of",
    }
    assert {code for code in own if f"error.{code}" not in table()} == set()
    replace(folder, "fx_monthly.csv", "2015-01,AUD", "2015-13,AUD")
    (problem,) = problems(folder)
    assert "2015-13" in problem_text(problem, language)


# --- version -------------------------------------------------------------------------------------


def test_the_version_is_of_the_content(folder, parameters):
    again = Parameters.load(folder)
    assert (again.version, len(again.version)) == (parameters.version, 12)
    path = folder / "values.yaml"
    path.write_text("# another head\r\n" + path.read_text("utf-8"), "utf-8")
    assert Parameters.load(folder).version == parameters.version
    replace(folder, "values.yaml", "value: 0.05", "value: 0.06")
    assert Parameters.load(folder).version != parameters.version


def test_parameters_cannot_be_changed(parameters):
    with pytest.raises(AttributeError):
        parameters.version = "x"
    with pytest.raises(TypeError):
        parameters.values["x"] = ()
