"""Companies in the store: versions, races between replicas, merging and erasing."""

import datetime
import itertools
import threading

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record import peopled
from strategies import COMPANIES

from api.policy import Caller
from api.refusals import Erased, Merged, Stale
from api.store import (
    companies,
    company_changes,
    consents,
    contacts,
    erasure,
    imports,
    merging,
    tables,
)
from api.store.company_changes import Statement, put
from api.store.company_export import exported
from api.store.conditions import Condition
from api.store.profiles import canonical, deidentified, sourced
from api.store.references import known
from api.store.store import Store
from recommender.company.profile import Company
from recommender.errors import CorridorError, InvalidInput

FREE = Condition()
BY = {"source": "bank", "as_of": "2026-11-23"}


@pytest.fixture
def admin(store):
    """The administrator of one bank."""
    return caller_of(store, peopled(store), "admin")


def caller_of(store, people, role, bank="bank-a", branch=None):
    user = people.ids[bank, role]
    return Caller(user, bank, branch, role, "write", "token", store.clock())


def stated(consented=("matching",), **profile):
    return Statement(Company.parse(profile), consents=dict.fromkeys(consented))


def create(store, caller, company_id, **profile):
    return store.write(lambda w: put(w, caller, company_id, stated(**profile), FREE))


def tag_of(store, caller, company_id):
    return store.read(lambda c: companies.etag(c, companies.visible(c, caller, company_id)))


def rows(store, table, **where):
    query = sa.select(table).where(*(table.c[n] == value for n, value in where.items()))
    return store.read(lambda c: list(c.execute(query).mappings()))


@settings(max_examples=60)
@given(raw=COMPANIES)
def test_a_profile_is_the_same_after_it_was_kept(raw):
    company = Company.parse(raw)
    text, plain = canonical(company)
    again = Company.parse(orjson.loads(text))
    assert canonical(again)[0] == text
    assert again.model_dump(exclude_none=True) == company.model_dump(
        exclude_none=True, exclude={"consents"}
    )
    assert orjson.loads(text).keys() == plain.keys()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raws=st.lists(COMPANIES, min_size=1, max_size=3))
def test_every_version_comes_back_from_the_store_as_it_was_given(store, raws):
    """Kept, changed and read back: the present one and all that came before."""
    caller, name = caller_of(store, people_of(store), "admin"), f"h-{next(NUMBERS)}"
    kept = []
    for raw in raws:
        said = Statement(Company.parse(raw))
        condition = Condition(frozenset("*")) if kept else FREE
        store.write(lambda w, s=said, c=condition: put(w, caller, name, s, c))
        texts = canonical(said.company)[0]
        kept += [] if kept and kept[-1] == texts else [texts]
    current = store.read(lambda c: companies.visible(c, caller, name))
    versions = rows(store, tables.company_versions, company_id=name)
    assert [v["profile"] for v in sorted(versions, key=lambda v: v["version"])] == kept
    assert (current["version"], current["profile"]) == (len(kept), kept[-1])


PEOPLE, NUMBERS = {}, itertools.count()


def people_of(store):
    """The people of a store, added once for all examples."""
    if store not in PEOPLE:
        PEOPLE[store] = peopled(store)
    return PEOPLE[store]


@settings(max_examples=40)
@given(before=COMPANIES, after=COMPANIES)
def test_a_field_has_a_source_and_keeps_it_exactly_while_it_is_the_same(before, after):
    old, new = (orjson.loads(canonical(Company.parse(raw))[0]) for raw in (before, after))
    first = sourced(old, {}, {"source": "company", "as_of": "2026-01-01"})
    second = sourced(new, {}, BY, (old, first))
    for name, source in second.items():
        part, _, inner = name.partition(".")
        values = [p.get(part, {}).get(inner) if inner else p.get(part) for p in (old, new)]
        assert (source["source"] == "company") == (values[0] == values[1]), name


def test_deidentified_keeps_which_trades_belong_together():
    raw = {
        "collateral": [{"type": "export_receivable", "trade": "A"}, {"type": "x", "trade": "B"}],
        "documents": [{"type": "LC", "trade": "B"}],
    }
    found = deidentified(raw)
    assert [item["trade"] for item in found["collateral"]] == ["t1", "t2"]
    assert found["documents"][0]["trade"] == "t2"


def test_of_two_replicas_with_the_same_tag_exactly_one_wins(store, admin, database_url):
    other = Store(database_url)
    create(store, admin, "c", staff=0)
    for attempt in range(1, 6):
        condition, outcomes = Condition(frozenset([tag_of(store, admin, "c")])), []
        start = threading.Barrier(2)

        def change(which, staff, condition=condition, outcomes=outcomes, start=start):
            start.wait()
            try:
                which.write(lambda w: put(w, admin, "c", stated(staff=staff), condition))
                outcomes.append("kept")
            except Stale:
                outcomes.append("stale")

        given_to = [(store, 2 * attempt), (other, 2 * attempt + 1)]
        threads = [threading.Thread(target=change, args=one) for one in given_to]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["kept", "stale"]
    found = rows(store, tables.company_versions, company_id="c")
    assert sorted(row["version"] for row in found) == [1, 2, 3, 4, 5, 6]
    other.close()


def test_two_replicas_create_a_company_once(store, admin, database_url):
    other, outcomes = Store(database_url), []
    start = threading.Barrier(2)

    def make(which):
        start.wait()
        try:
            which.write(lambda w: put(w, admin, "new", stated(staff=1), FREE))
            outcomes.append("kept")
        except CorridorError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=make, args=[which]) for which in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("kept") == 1
    assert {*outcomes} <= {"kept", "AlreadyThere", "ConditionNeeded"}
    assert len(rows(store, tables.company_versions, company_id="new")) == 1
    other.close()


def run_row(admin, run_id, company_id, version=1):
    names = ("engine_version", "catalogue_version", "parameters_version", "model_version")
    engine = dict.fromkeys(names, "1")
    return {
        "id": run_id,
        "organisation_id": admin.organisation_id,
        "user_id": admin.user_id,
        "operation": "recommend",
        "company_id": company_id,
        "company_version": version,
        **engine,
        "request": "the request",
        "answer": "the answer",
        "at": datetime.datetime.now(datetime.UTC),
    }


def filled(store, admin, company_id):
    """A row of every kind that points at a company."""
    own = {"organisation_id": "bank-a", "company_id": company_id, "company_version": 1}
    who, at = {"user_id": admin.user_id}, {"at": store.clock()}
    product = {"product_id": "p", "run_id": f"r-{company_id}"}
    application = {
        **own,
        **product,
        "id": f"a-{company_id}",
        "lane": "financing",
        "status": "refused",
        "version": 1,
        "created_at": at["at"],
        "updated_at": at["at"],
    }
    event = {"application_id": f"a-{company_id}", "version": 1, "status": "refused"}
    outcome = {"lane": "financing", "outcome": "taken", "synthetic": False}
    unversioned = {name: value for name, value in own.items() if name != "company_version"}
    made = [
        (tables.runs, run_row(admin, f"r-{company_id}", company_id)),
        (tables.applications, application),
        (tables.application_events, {**event, **who, **at, "note": "a note", "change": '{"a":1}'}),
        (
            tables.outcomes,
            {
                **own,
                **product,
                **outcome,
                **who,
                **at,
                "id": f"o-{company_id}",
                "decided_on": datetime.date(2026, 1, 1),
            },
        ),
        (
            tables.overrides,
            {
                **unversioned,
                **product,
                **who,
                **at,
                "id": f"v-{company_id}",
                "decision": "hide",
                "reason": "because",
            },
        ),
        (
            tables.review_requests,
            {**unversioned, **product, **who, **at, "id": f"q-{company_id}", "question": "why?"},
        ),
        (
            tables.idempotency_keys,
            {
                "user_id": admin.user_id,
                "key": f"k-{company_id}",
                "operation": "apply",
                "request_hash": "0",
                "status": 201,
                "answer": f'{{"company_id":"{company_id}"}}',
                **at,
            },
        ),
    ]
    store.write(lambda w: [w.execute(sa.insert(table), row) for table, row in made])
    store.write(lambda w: contacts.add(w, admin, company_id, None, "a talk"))


SECRETS = ("保密", "the request", "the answer", "a note", "because", "why?", "a talk", "A-17")


def everything(store):
    """Every text of the record but the ids of the companies."""
    found = []
    for table in tables.metadata.sorted_tables:
        found += [str(value) for row in rows(store, table) for value in row.values()]
    return "\n".join(found)


def test_erasure_leaves_no_text_of_the_company(store, admin):
    create(store, admin, "c", name_zh="保密公司", facilities=[{"lender": "保密行"}])
    create(store, admin, "other", name_zh="别的公司")
    store.write(lambda w: consents.give(w, admin, "c", "contact", "A-17"))
    filled(store, admin, "c")
    assert all(secret in everything(store) for secret in SECRETS)
    found = store.read(lambda c: exported(c, admin, "c"))
    assert [found[n][0]["id"] for n in ("runs", "applications", "outcomes")] == [
        "r-c",
        "a-c",
        "o-c",
    ]
    assert found["applications"][0]["events"][0]["note"] == "a note"
    reference = store.read(lambda c: known(c, "bank-a", "company", "c"))
    store.write(lambda w: erasure.erase(w, admin, "c", FREE))
    left = everything(store)
    assert [secret for secret in SECRETS if secret in left] == []
    assert "别的公司" in left
    assert store.read(lambda c: known(c, "bank-a", "company", "c")) is None
    assert reference in left
    assert rows(store, tables.runs, id="r-c")[0]["erased_at"] is not None
    assert rows(store, tables.outcomes, company_id="c") == []
    with pytest.raises(Erased):
        store.read(lambda c: companies.visible(c, admin, "c"))
    with pytest.raises(Erased):
        create(store, admin, "c")


def keep_run(write, admin, run_id, company_id):
    """A run as it is written: only of a company that is still there."""
    if not companies.still_there(write, admin.organisation_id, company_id):
        raise Erased(kind="company", id=company_id)
    write.add(tables.runs, run_row(admin, run_id, company_id))


def test_a_run_that_comes_after_the_erasure_is_not_kept(store, admin):
    create(store, admin, "c")
    store.write(lambda w: keep_run(w, admin, "before", "c"))
    store.write(lambda w: erasure.erase(w, admin, "c", FREE))
    with pytest.raises(Erased):
        store.write(lambda w: keep_run(w, admin, "after", "c"))
    assert not store.write(lambda w: companies.still_there(w, "bank-a", "never"))
    assert [row["answer"] for row in rows(store, tables.runs)] == [None]


def test_a_run_that_is_written_elsewhere_during_the_erasure_leaves_no_text(
    store, admin, database_url
):
    """The other replica has looked and not committed yet: the erasure waits and finds its run."""
    other = Store(database_url)
    create(store, admin, "c")
    looked, erasing = threading.Event(), threading.Event()

    def slow(write):
        keep_run(write, admin, "during", "c")
        looked.set()
        erasing.wait(5)
        threading.Event().wait(0.3)

    written = threading.Thread(target=lambda: other.write(slow))
    written.start()
    assert looked.wait(5)

    def erase(write):
        erasing.set()
        erasure.erase(write, admin, "c", FREE)

    erased = threading.Thread(target=lambda: store.write(erase))
    erased.start()
    # SQLite lets no second writer begin, so that the first must not wait for it.
    threading.Timer(0.5, erasing.set).start()
    for thread in (written, erased):
        thread.join(20)
    found = rows(store, tables.runs)
    assert [(row["id"], row["request"], row["answer"]) for row in found] == [("during", None, None)]
    other.close()


def test_what_points_at_a_merged_company_points_at_the_profile_it_saw(store, admin):
    create(store, admin, "old", staff=1)
    create(store, admin, "new", staff=2)
    store.write(lambda w: put(w, admin, "new", stated(staff=3), Condition(frozenset("*"))))
    filled(store, admin, "old")
    store.write(lambda w: merging.merge(w, admin, "old", "new"))
    for table in (tables.runs, tables.applications, tables.outcomes):
        (row,) = rows(store, table)
        assert row["company_id"] == "new"
        (version,) = rows(
            store, tables.company_versions, company_id="new", version=row["company_version"]
        )
        assert orjson.loads(version["profile"]) == {"staff": 1}
    current = store.read(lambda c: companies.visible(c, admin, "new"))
    assert (current["version"], orjson.loads(current["profile"])) == (4, {"staff": 3})
    assert [row["company_id"] for row in rows(store, tables.contacts)] == ["new"]
    with pytest.raises(Merged):
        store.read(lambda c: companies.visible(c, admin, "old"))


def test_an_erasure_takes_what_was_merged_with_it(store, admin):
    for name in ("one", "two", "three"):
        create(store, admin, name, name_zh=f"保密{name}")
    store.write(lambda w: merging.merge(w, admin, "one", "two"))
    store.write(lambda w: merging.merge(w, admin, "two", "three"))
    with pytest.raises(Merged) as told:
        store.read(lambda c: companies.visible(c, admin, "one"))
    assert told.value.problems[0].allowed == "three"
    store.write(lambda w: erasure.erase(w, admin, "three", FREE))
    assert "保密" not in everything(store)
    for name in ("one", "two", "three"):
        with pytest.raises(Erased):
            store.read(lambda c, name=name: companies.visible(c, admin, name))
        assert store.read(lambda c, name=name: known(c, "bank-a", "company", name)) is None


def test_only_consents_of_the_company_that_stays_remain(store, admin):
    create(store, admin, "old", consented=("matching", "peers"))
    create(store, admin, "new", consented=("matching",))
    store.write(lambda w: merging.merge(w, admin, "old", "new"))
    history = store.read(lambda c: consents.history(c, "bank-a", ["new"]))
    assert consents.in_force(history) == {"matching"}
    assert len(history) == 3


def test_a_branch_that_is_not_there_is_refused(store, admin):
    said = Statement(Company.parse({}), branch=("west",))
    with pytest.raises(InvalidInput) as told:
        store.write(lambda w: put(w, admin, "c", said, FREE))
    assert [p.code for p in told.value.problems] == ["unknown_branch"]


# --- import --------------------------------------------------------------------------------------


def lines(folder, raws):
    path = folder / "companies.jsonl"
    path.write_bytes(b"".join(orjson.dumps(raw) + b"\n" for raw in raws))
    return path


def test_an_import_is_done_in_chunks_and_in_processes_alike(store, admin, tmp_path, monkeypatch):
    raws = [{"id": f"c-{n}", "staff": n if n % 9 else -1} for n in range(100)]
    path, done = lines(tmp_path, raws), []
    from api.store import import_rows

    monkeypatch.setattr(import_rows, "CHUNK", 8)
    wanted = imports.Wanted(branch_id="north")
    report = imports.run(store, admin, path, {}, wanted, workers=2, progress=done.append)
    assert (report.rows, report.created, report.refused, report.found) == (100, 88, 12, 12)
    assert done == [*range(8, 100, 8), 100]
    assert [row for row, _, _ in report.problems] == list(range(1, 101, 9))
    events = rows(store, tables.audit_events, action="companies.imported")
    assert len(events) == len(done)
    again = imports.run(store, admin, path, {}, wanted)
    assert (again.created, again.unchanged) == (0, 88)


def test_a_chunk_that_another_writer_got_in_the_way_of_is_tried_again(
    store, admin, tmp_path, monkeypatch
):
    """The first attempt finds a row already changed; the second one sees it as it is."""
    create(store, admin, "c-1", staff=1)
    path, tried = lines(tmp_path, [{"id": "c-1", "staff": 5}, {"id": "c-2"}]), []
    real = company_changes.advance

    def beaten(write, caller, company_id, version, change):
        tried.append(version)
        real(write, caller, company_id, version - 1 if len(tried) == 1 else version, change)

    monkeypatch.setattr("api.store.import_chunks.advance", beaten)
    report = imports.run(store, admin, path, {}, imports.Wanted())
    assert (tried, report.created, report.changed) == ([1, 1], 1, 1)
    assert len(rows(store, tables.company_versions, company_id="c-2")) == 1


def test_the_report_lists_only_so_many_problems(store, admin, tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "MOST_LISTED", 5)
    path = lines(tmp_path, [{"id": f"c-{n}", "staff": -1} for n in range(9)])
    report = imports.run(store, admin, path, {}, imports.Wanted())
    assert (len(report.problems), report.found, report.refused) == (5, 9, 9)
