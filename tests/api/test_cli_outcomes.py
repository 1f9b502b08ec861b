"""From companies in a record to a model: shown, taken up, exported, and learned from."""

import datetime

import pytest
from applied import CATALOGUE, PRODUCTS, Within, caller, company, ran
from record import peopled

from api.schemas.applications import ApplicationRequest, StepRequest
from api.schemas.outcomes import OutcomeEntry
from api.store import applications, maintenance, outcomes
from api.store.conditions import Condition
from api.store.store import Store
from recommender.learning.training import How, train
from recommender.outcomes import outcomes_of, read_outcomes
from recommender.outcomes.table import frame_of
from recommender.simulation import companies
from recommender.simulation.outcomes import outcomes as simulated

FIRMS, SEED = 160, 4
STEPS = {
    "taken": ("documents", "submitted", "approved", "drawn"),
    "refused_by_bank": ("documents", "submitted", "refused"),
    "withdrawn": ("withdrawn",),
}
ANY = Condition(frozenset({"*"}))


def events_of(rows):
    """The simulated rows of each company and day, by lane in their order."""
    found = {}
    for row in rows.to_dict("records"):
        day = found.setdefault((row["company"], row["date"]), {})
        day.setdefault(PRODUCTS[row["product"]].lane, []).append(row)
    return found


def live(write, who, company_id, day, lanes):
    """Show the lists on their day, and let the company do what it does."""
    at = datetime.datetime.combine(day, datetime.time(3), datetime.UTC)
    shown = {lane: [row["product"] for row in rows] for lane, rows in lanes.items()}
    run_id = ran(Within(write), company_id, lanes=shown, at=at)
    plain = []
    for row in (row for rows in lanes.values() for row in rows):
        if row["outcome"] in STEPS:
            apply(write, who, company_id, run_id, row)
        else:
            given = {"run_id": run_id, "product_id": row["product"], "decided_on": day}
            plain.append(("", OutcomeEntry(**given, outcome=row["outcome"])))
    outcomes.record(write, who, plain)


def apply(write, who, company_id, run_id, row):
    asked = ApplicationRequest(company_id=company_id, product_id=row["product"], run_id=run_id)
    id_ = applications.start(write, who, asked, PRODUCTS)
    for status in STEPS[row["outcome"]]:
        reason = {"reason_code": row["reason"]} if status == "refused" else {}
        applications.step(write, who, id_, ANY, StepRequest(status=status, **reason), PRODUCTS)


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A record in which a few hundred made-up companies were shown lists and chose; its URL."""
    url = f"sqlite:///{tmp_path_factory.mktemp('record') / 'corridor.db'}"
    store = Store(url)
    maintenance.ready(store.database)
    people = peopled(store)
    who, firms = caller(store, people), list(companies(FIRMS, SEED, 0.2))
    drawn = simulated(CATALOGUE, firms, SEED)

    def work(write):
        for firm in firms:
            company(Within(write), people, firm["id"], profile=firm)
        for (company_id, day), lanes in events_of(drawn).items():
            live(write, who, company_id, day, lanes)

    store.write(work)
    yield store, url, drawn
    store.close()


def told(frame):
    """What a table says, whatever its events and companies are called."""
    rows = frame[["product", "position", "outcome", "date"]].assign(reason=frame["reason"])
    return sorted(rows.fillna("").astype(str).itertuples(index=False, name=None))


def test_the_table_says_what_happened(lived):
    store, _, drawn = lived
    rows = store.read(lambda c: outcomes.learning_table(c, "bank-a"))
    assert told(frame_of(rows)) == told(drawn)
    assert len({row["event"] for row in rows}) == len(events_of(drawn))
    assert len({row["company"] for row in rows}) == drawn["company"].nunique()
    assert all(row["synthetic"] for row in rows)


def test_a_model_learns_from_it_as_from_the_file_of_the_simulation(lived):
    store, _, drawn = lived
    rows = store.read(lambda c: outcomes.learning_table(c, "bank-a", whole=True))
    how = How(seed=1)
    found = train(outcomes_of(frame_of(rows), {}), CATALOGUE, how=how)
    assert found.fallback is None
    firms = {firm["id"]: firm for firm in companies(FIRMS, SEED, 0.2)}
    same = train(outcomes_of(drawn.assign(propensity=None), firms), CATALOGUE, how=how)
    assert found.weights.weights == pytest.approx(same.weights.weights, rel=1e-6)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_it_is_exported_and_read_as_any_table_of_outcomes(lived, tmp_path, run, ending):
    store, url, _ = lived
    file = tmp_path / f"outcomes.{ending}"
    flags = ["--organisation", "bank-a", "--store", url, "--language", "en"]
    code, out, _ = run("outcomes", "export", "--out", file, *flags)
    assert code == 0
    rows = store.read(lambda c: outcomes.learning_table(c, "bank-a"))
    assert f"{len(rows):,} rows" in out
    assert len(read_outcomes(file).rows) == len(rows)
    code, _, err = run("outcomes", "export", "--out", file, *flags)
    assert code != 0
    assert str(file) in err
    assert run("outcomes", "export", "--out", file, "--force", *flags)[0] == 0


def test_an_unknown_bank_or_a_strange_ending_is_refused(lived, tmp_path, run):
    _, url, _ = lived
    flags = ["--store", url, "--language", "en"]
    where = ["--out", tmp_path / "outcomes.csv"]
    code, _, err = run("outcomes", "export", "--organisation", "bank-z", *where, *flags)
    assert (code, "bank-z" in err) == (2, True)
    odd = ["--out", tmp_path / "outcomes.pickle"]
    assert run("outcomes", "export", "--organisation", "bank-a", *odd, *flags)[0] == 2
    assert list(tmp_path.iterdir()) == []
