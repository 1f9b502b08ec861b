"""Any edit, removal, reordering or insertion of what is kept is found, and where it is."""

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from api.store import append_only, audit, maintenance, seals
from api.store.audit import Event
from api.store.database import WRITES
from api.store.store import Store
from api.store.tables import audit_events, audit_seals
from api.store.verification import verified

CHAINS, EVENTS = 3, 5
COLUMNS = [c.name for c in audit_events.c]


def event(number, organisation="bank-a"):
    return Event(organisation, "system", "thing.done", None, {"number": number})


def filled(url, file=None):
    """Three writers with five events each, sealed after each writer; more than one seal a chain."""
    for writer in range(CHAINS):
        store = Store(url)
        maintenance.ready(store.database)
        sealer = seals.Sealer(store, file)
        for number in range(EVENTS):
            organisation = ("bank-a", "bank-b")[number % 2]
            store.write(lambda w, n=number, o=organisation: w.audit(event(n, o)))
            if number == writer:
                sealer.seal()
        sealer.seal()
        store.close()
    return Store(url)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def record(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    url = f"sqlite:///{folder / 'corridor.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").made()
    store = filled(url, folder / "seals.jsonl")
    yield store, seals.read(folder / "seals.jsonl")
    store.close()


class Undo(Exception):
    """Ends a transaction that tampered."""


def after(store, tamper, copies=None):
    """What a check finds after somebody who owns the database has tampered; it is undone."""
    found = []
    try:
        with store.database.engine.execution_options(**WRITES).begin() as connection:
            append_only.unprotect(connection)
            tamper(connection)
            found.append(verified(connection, copies))
            raise Undo
    except Undo:
        return found[0]


def rows_of(store):
    order = (audit_events.c.chain, audit_events.c.sequence)
    query = sa.select(audit_events).order_by(*order)
    return store.read(lambda c: [dict(row) for row in c.execute(query).mappings()])


def at(row):
    keys = audit_events.primary_key.columns
    return sa.and_(*(column == row[column.name] for column in keys))


def test_a_log_as_it_was_written_is_whole(record):
    store, copies = record
    found = store.read(lambda c: verified(c, copies, "bank-a"))
    assert found.whole, found.findings
    assert (found.chains, found.events, found.seals) == (CHAINS, CHAINS * EVENTS, 6)
    assert found.own_events == CHAINS * 3
    assert found.unsealed == 0


@settings(max_examples=60)
@given(data=st.data())
def test_any_single_change_is_found_at_its_place(record, data):
    store, _ = record
    rows = rows_of(store)
    row = data.draw(st.sampled_from(rows), "row")
    column = data.draw(st.sampled_from([c for c in COLUMNS if c != "sequence"]), "column")
    other = data.draw(st.text("abcdef0123456789{}", min_size=1, max_size=32), "value")
    if other == row[column]:
        other += "x"
    change = sa.update(audit_events).where(at(row)).values({column: other})
    found = after(store, lambda c: c.execute(change))
    assert not found.whole
    if column != "chain":
        assert (row["chain"], row["sequence"]) in {(f.chain, f.sequence) for f in found.findings}


@settings(max_examples=30)
@given(data=st.data())
def test_any_removal_is_found(record, data):
    store, _ = record
    rows = rows_of(store)
    gone = data.draw(st.lists(st.sampled_from(rows), min_size=1, unique_by=str), "rows")

    def remove(connection):
        for row in gone:
            connection.execute(sa.delete(audit_events).where(at(row)))

    found = after(store, remove)
    assert not found.whole
    assert {f.chain for f in found.findings} == {row["chain"] for row in gone}


@settings(max_examples=30)
@given(data=st.data())
def test_any_two_events_that_change_places_are_found(record, data):
    store, _ = record
    first, second = data.draw(
        st.lists(st.sampled_from(rows_of(store)), min_size=2, max_size=2, unique_by=str), "rows"
    )

    def swap(connection):
        connection.execute(sa.delete(audit_events).where(at(first) | at(second)))
        places = [(first, second), (second, first)]
        for row, place in places:
            keys = {"chain": place["chain"], "sequence": place["sequence"]}
            connection.execute(sa.insert(audit_events), {**row, **keys})

    assert not after(store, swap).whole


@settings(max_examples=30)
@given(data=st.data())
def test_any_event_put_in_is_found(record, data):
    store, _ = record
    rows = rows_of(store)
    row = data.draw(st.sampled_from(rows), "row")
    chain = data.draw(st.sampled_from([*{r["chain"] for r in rows}, "another"]), "chain")
    sequence = data.draw(st.sampled_from([-1, 0, EVENTS + 1, EVENTS + 2]), "sequence")
    new = {**row, "chain": chain, "sequence": sequence}
    assert not after(store, lambda c: c.execute(sa.insert(audit_events), new)).whole


def rehashed(rows):
    """Events of one chain hashed anew, as somebody who knows how would do it."""
    head = audit.GENESIS
    for row in rows:
        row = {**row, "previous": head}  # noqa: PLW2901 - the next link of the chain
        row["hash"] = head = audit.hashed(row)
        yield row


def rewritten(store):
    chain = rows_of(store)[0]["chain"]
    rows = [row for row in rows_of(store) if row["chain"] == chain]
    rows[2]["detail"] = "{}"

    def rewrite(connection):
        connection.execute(sa.delete(audit_events).where(audit_events.c.chain == chain))
        connection.execute(sa.insert(audit_events), list(rehashed(rows)))

    return chain, rewrite


def test_a_chain_that_was_hashed_anew_differs_from_its_seals(record):
    store, _ = record
    chain, rewrite = rewritten(store)
    found = after(store, rewrite)
    assert {(f.kind, f.chain) for f in found.findings} == {("resealed", chain)}


def test_seals_that_were_made_anew_differ_from_the_file(record):
    """Whoever rewrites events and seals alike still has not got the file."""
    store, copies = record
    _, rewrite = rewritten(store)

    def both(connection):
        rewrite(connection)
        ends = dict(
            connection.execute(
                sa.select(audit_events.c.chain, sa.func.max(audit_events.c.sequence)).group_by(
                    audit_events.c.chain
                )
            ).all()
        )
        heads = {}
        for chain, sequence in ends.items():
            query = sa.select(audit_events.c.hash).where(
                audit_events.c.chain == chain, audit_events.c.sequence == sequence
            )
            heads[chain] = [sequence, connection.execute(query).scalar_one()]
        connection.execute(sa.delete(audit_seals))
        row = {"sequence": 1, "at": "x", "previous": audit.GENESIS}
        row["heads"] = orjson.dumps(heads, option=orjson.OPT_SORT_KEYS).decode()
        connection.execute(sa.insert(audit_seals), {**row, "hash": seals.hashed(row)})

    assert after(store, both).whole
    assert {f.kind for f in after(store, both, copies).findings} >= {"file_differs"}


def test_a_whole_chain_that_is_gone_is_named(record):
    store, _ = record
    chain = rows_of(store)[-1]["chain"]
    gone = sa.delete(audit_events).where(audit_events.c.chain == chain)
    found = after(store, lambda c: c.execute(gone))
    assert [(f.kind, f.chain, f.sequence) for f in found.findings if f.sequence == EVENTS] == [
        ("chain_missing", chain, EVENTS)
    ]


@pytest.mark.parametrize("sequence", range(1, 7))
def test_a_seal_that_is_gone_or_changed_is_found(record, sequence):
    store, copies = record
    mine = audit_seals.c.sequence == sequence
    gone = after(store, lambda c: c.execute(sa.delete(audit_seals).where(mine)), copies)
    assert "file_differs" in {f.kind for f in gone.findings}
    change = sa.update(audit_seals).where(mine).values(at="x")
    assert not after(store, lambda c: c.execute(change)).whole


def test_a_file_that_is_gone_is_found(record):
    store, copies = record
    assert [f.kind for f in store.read(lambda c: verified(c, [])).findings] == ["file_empty"]
    assert not store.read(lambda c: verified(c, copies[:2] + copies[3:])).whole
    edited = [*copies[:-1], {**copies[-1], "at": "x"}]
    assert not store.read(lambda c: verified(c, edited)).whole


@pytest.mark.parametrize("table", [audit_events, audit_seals], ids=str)
@pytest.mark.parametrize("verb", ["update", "delete", "truncate"])
def test_the_database_itself_refuses_to_change_or_remove(record, table, verb):
    store, _ = record
    if verb == "truncate" and store.database.is_sqlite:
        verb = "delete"
    statements = {
        "update": sa.update(table).values(hash="x"),
        "delete": sa.delete(table),
        "truncate": sa.text(f"TRUNCATE {table}"),
    }
    writing = store.database.engine.execution_options(**WRITES)
    with pytest.raises(DBAPIError, match="append-only"), writing.begin() as connection:
        connection.execute(statements[verb])
    assert store.read(verified).whole


def test_an_event_hashed_anew_by_itself_does_not_fit_the_next(record):
    store, _ = record
    row = next(row for row in rows_of(store) if row["sequence"] == 4)
    new = {**row, "detail": "{}"}
    change = sa.update(audit_events).where(at(row)).values(detail="{}", hash=audit.hashed(new))
    found = after(store, lambda c: c.execute(change))
    assert [(f.kind, f.chain, f.sequence) for f in found.findings] == [("moved", row["chain"], 5)]
