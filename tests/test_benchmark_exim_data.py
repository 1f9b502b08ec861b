"""What the benchmark on real decisions reads, and that nothing it reads gives the answer away."""

import numpy as np
import pytest
from exim_files import LEAKS, TEST, UNTIL, pair, write

from tests.benchmarks import exim
from tests.benchmarks.exim_columns import attributes, sheet, tokens
from tests.benchmarks.exim_data import UnusableData, latest_pair, read, without_indicators
from tests.benchmarks.exim_ranker import fitted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("exim"), pair())


@pytest.fixture(scope="module")
def decisions(folder):
    return read(folder)


def test_the_latest_pair_of_the_folder_is_read(tmp_path):
    for years in ("fy2007_fy2012", "fy2009_fy2013", "fy2007_fy2013", "fy2007_fy2021"):
        (tmp_path / f"exim_authorizations_{years}.csv.gz").touch()
        (tmp_path / f"exim_labels_{years}.csv.gz").touch()
    (tmp_path / "exim_authorizations_fy2007_fy2022.csv.gz").touch()
    (tmp_path / "README.md").touch()
    names = [path.name for path in latest_pair(tmp_path)]
    assert names == [f"exim_{kind}_fy2007_fy2021.csv.gz" for kind in ("authorizations", "labels")]
    (tmp_path / "exim_labels_fy2007_fy2021.csv.gz").unlink()
    assert latest_pair(tmp_path)[0].name == "exim_authorizations_fy2007_fy2013.csv.gz"


@pytest.mark.parametrize(
    "what", ["no folder", "no pair", "no column", "no label", "no row", "twice"]
)
def test_data_that_cannot_be_measured_say_why(tmp_path, what):
    facts, labels = pair(last=2009, rows_a_year=5)
    if what == "no column":
        facts = facts.drop(columns=["primary_exporter", "country"])
    if what == "no label":
        labels = labels.drop(columns=["product_kept"])
    if what == "no row":
        labels["unique_identifier"] += " of others"
    if what == "twice":
        labels = labels.assign(unique_identifier="other")
    if what not in ("no folder", "no pair"):
        write(tmp_path, (facts, labels))
    said = {
        "no folder": "not a folder",
        "no pair": "holds no pair",
        "no column": "has no column country, primary_exporter",
        "no label": "has no column product_kept",
        "no row": "no unique_identifier",
        "twice": "names some unique_identifier twice",
    }
    with pytest.raises(UnusableData, match=said[what]):
        read(tmp_path / "missing" if what == "no folder" else tmp_path)


@pytest.mark.parametrize("years", [(2007, (2008, 2009)), (2011, (2020, 2021))])
def test_years_without_events_are_named(folder, years):
    with pytest.raises(UnusableData, match="hold no first events"):
        list(exim.lines(folder, *years))


def columns_of(folder, *, indicators=False, amount=True):
    """Everything a model sees of the events, as text that can be compared."""
    decisions = read(folder)
    events = decisions.events(TEST[1])
    events = events if indicators else without_indicators(events, UNTIL)
    seen = [repr(tokens(events, amount=amount))]
    for engineered in (False, True):
        made = sheet(events, decisions.products, UNTIL, amount=amount, engineered=engineered)
        seen += [
            repr(made.sparse.toarray().tolist()),
            repr(made.dense.tolist()),
            repr(made.segment),
        ]
    return seen


@pytest.mark.parametrize("leak", [*LEAKS, "unique_identifier", "country", "flag amounts"])
def test_a_column_that_leaks_changes_nothing_when_it_turns_to_noise(folder, tmp_path, leak):
    facts, labels = pair()
    noise = [f"noise {number}" for number in np.random.default_rng(9).permutation(len(facts))]
    if leak == "flag amounts":
        for flag in ("small_business", "woman_owned", "minority_owned"):
            facts[f"{flag}_authorized_amount"] *= np.random.default_rng(1).uniform(1, 9, len(facts))
    elif leak == "unique_identifier":
        facts[leak], labels[leak] = noise, noise
    else:
        facts[leak] = noise
    assert columns_of(write(tmp_path, (facts, labels))) == columns_of(folder)


@pytest.mark.parametrize("leak", [*LEAKS, "unique_identifier"])
def test_with_indicators_the_other_leaks_still_change_nothing(folder, tmp_path, leak):
    facts, labels = pair()
    noise = [f"noise {number}" for number in np.random.default_rng(9).permutation(len(facts))]
    facts[leak] = noise
    labels = labels.assign(unique_identifier=noise) if leak == "unique_identifier" else labels
    changed = columns_of(write(tmp_path, (facts, labels)), indicators=True)
    assert changed == columns_of(folder, indicators=True)


def test_amounts_change_nothing_where_the_profile_is_all_that_counts(folder, tmp_path):
    facts, labels = pair()
    facts["approved_declined_amount"] = np.arange(1.0, len(facts) + 1)
    changed = write(tmp_path, (facts, labels))
    assert columns_of(changed, amount=False) == columns_of(folder, amount=False)
    assert columns_of(changed) != columns_of(folder)


def test_what_a_model_sees_of_a_column_it_may_see_does_change(folder, tmp_path):
    facts, labels = pair()
    facts["primary_exporter_city"] = "Elsewhere"
    assert columns_of(write(tmp_path, (facts, labels))) != columns_of(folder)


def test_countries_that_tell_are_masked_and_others_known_only_with_indicators(decisions):
    events = decisions.events(TEST[1])
    assert set(events["country"].dropna()) == {"Mexico"}
    masked = events["product"].isin(["INS-ENB", "WC-STD"])
    assert events.loc[masked, "country"].isna().all()
    assert without_indicators(events, UNTIL)["country"].isna().all()


def test_without_indicators_nothing_is_missing_and_nothing_known_is_changed(decisions):
    events = decisions.events(TEST[1])
    filled = without_indicators(events, UNTIL)
    assert events["code"].isna().any()
    assert events["state"].isna().any()
    for column in ("code", "state", "city"):
        known = events[column].notna()
        assert filled[column].notna().all()
        if column != "city":
            assert (filled.loc[known, column] == events.loc[known, column]).all()
    assert set(filled["kind"]) == {"naics"}
    assert without_indicators(events, UNTIL).equals(filled)


def test_values_drawn_come_from_the_years_that_teach(decisions):
    events = decisions.events(TEST[1]).copy()
    late = (events["year"] > UNTIL) & events["code"].notna()
    events.loc[late, "code"] = "999999"
    drawn = without_indicators(events, UNTIL).loc[events["code"].isna(), "code"]
    assert "999999" not in set(drawn)


def test_history_is_what_was_held_on_an_earlier_day(decisions):
    rows = decisions.rows
    some = rows[rows["history"].map(len) > 0]
    assert len(some) > 10
    for place, row in some.head(20).iterrows():
        before = rows.loc[: place - 1]
        held = set(before.loc[before["company"] == row["company"], "product"])
        assert set(row["history"]) <= held
    events = decisions.events(TEST[1])
    assert not any(e.product in e.history for e in events.itertuples())


def test_the_first_two_years_are_history_only(decisions):
    assert decisions.events(TEST[1])["year"].min() == 2009
    assert decisions.events(2010)["year"].max() == 2010


def test_a_product_is_on_offer_from_its_first_sale_on(tmp_path):
    facts, labels = pair()
    gone = (labels["product"] == "INS-ESC") & (facts["fiscal_year"] > "2009")
    late = (labels["product"] == "GTY-M") & (facts["fiscal_year"] < "2010")
    kept = ~gone & ~late
    decisions = read(write(tmp_path, (facts[kept], labels[kept])))
    years = np.array([2009, 2010, 2013])
    assert decisions.offered(years, ("GTY-M", "INS-ESC", "NONE")).tolist() == [
        [False, True, False],
        [True, True, False],
        [True, True, False],
    ]
    events = without_indicators(decisions.events(TEST[1]), UNTIL)
    scores = fitted(decisions, events, UNTIL, amount=False).predict_proba([{}])
    assert scores[0, decisions.products.index("INS-ESC")] < 0.1


def test_a_product_the_list_does_not_describe_shares_its_family(decisions):
    assert attributes(["WC-NEW"]) == {"WC-NEW": ("programme=WC",)}
    assert set(attributes(decisions.products)["GTY-M"]) == {
        "programme=guarantee",
        "term=medium",
        "buyers=one",
    }
