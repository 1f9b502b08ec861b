"""A file of many parts: wrong rows all over it, checked in processes, with other writes between."""

import json
import threading

import pytest
import sqlalchemy as sa
from applied import caller, count
from record import peopled

from api.store import import_rows, imports
from api.store.contacts import add
from api.store.tables import companies, company_versions, contacts
from recommender import Catalogue

ROWS = 3_500
BAD = dict(zip(range(11, ROWS, 33), "abcd" * ROWS, strict=False))


def row(number):
    """One good company, or one of four kinds of bad rows."""
    good = {"id": f"c-{number:05}", "staff": number, "consents": {"data_use": ["matching"]}}
    wrong = {
        "a": json.dumps({**good, "staff": -1}),
        "b": json.dumps({**good, "id": "c-00000"}),
        "c": "{not json",
        "d": json.dumps({**good, "name_of_firm": "x"}),
    }
    return wrong[BAD[number]] if number in BAD else json.dumps(good)


@pytest.mark.parametrize("workers", [1, 2])
def test_three_per_cent_of_the_rows_are_wrong(store, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(import_rows, "CHUNK", 500)
    monkeypatch.setattr(import_rows, "ENOUGH_FOR_WORKERS", 3)
    people = peopled(store)
    admin, facts = caller(store, people, "admin"), Catalogue.load().facts
    path = tmp_path / "companies.jsonl"
    path.write_text("".join(f"{row(number)}\n" for number in range(ROWS)))
    done, talks = [], []

    def told(rows):
        """Between two parts somebody else writes, and is not made to wait for the file."""
        done.append(rows)
        writer = threading.Thread(
            target=lambda: talks.append(
                store.write(lambda w: add(w, admin, "c-00000", None, f"after {rows}"))
            )
        )
        writer.start()
        writer.join(20)

    report = imports.run(
        store, admin, path, facts, imports.Wanted(), workers=workers, progress=told
    )
    good = ROWS - len(BAD)
    assert (report.rows, report.created, report.refused) == (ROWS, good, len(BAD))
    assert sorted({number - 1 for number, _, _ in report.problems}) == sorted(BAD)
    assert done == list(range(500, ROWS + 1, 500))
    assert len(talks) == len(done) == count(store, contacts)
    ids = store.read(lambda c: set(c.execute(sa.select(companies.c.id)).scalars()))
    assert ids == {f"c-{number:05}" for number in range(ROWS) if number not in BAD}
    again = imports.run(store, admin, path, facts, imports.Wanted(), workers=workers)
    assert (again.created, again.unchanged, again.refused) == (0, good, len(BAD))
    assert count(store, company_versions) == good
