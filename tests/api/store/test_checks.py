"""A check of a database finds what is wrong with it, and nothing else."""

import pytest
import sqlalchemy as sa
from record import peopled

from api.store import append_only, checks, references
from api.store.database import WRITES
from api.store.tables import runs


@pytest.fixture
def record(store):
    return store, peopled(store)


def changing(store):
    return store.database.engine.execution_options(**WRITES).begin()


def unchecked(connection):
    """Stop the database from seeing constraints, as a broken import would."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET session_replication_role = replica")
    else:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")


def test_a_new_record_is_sound(record):
    store, _ = record
    found = checks.checked(store.database)
    assert found.sound, found
    assert found.rows["organisations"] == 2
    assert found.log.events > 0


def test_a_row_without_its_parent_is_counted(record):
    store, _ = record
    if store.database.is_sqlite:
        connection = store.database.engine.raw_connection()
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("DELETE FROM branches WHERE id = 'north' AND organisation_id = 'bank-a'")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.close()
    else:
        with changing(store) as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            connection.exec_driver_sql(
                "DELETE FROM branches WHERE id = 'north' AND organisation_id = 'bank-a'"
            )
    problems = checks.checked(store.database).problems
    assert ("orphans", "users.organisation_id, branch_id", 2) in problems


def test_what_no_constraint_holds_is_looked_at_too(record):
    store, _ = record
    row = {"id": "r", "organisation_id": "bank-a", "user_id": "nobody", "operation": "recommend"}
    row |= {"company_id": "gone", "engine_version": "v", "catalogue_version": "v"}
    row |= {"parameters_version": "v", "model_version": "v"}
    store.write(lambda write: write.execute(sa.insert(runs), {**row, "at": write.at}))
    store.write(lambda write: references.reference(write, "bank-a", "company", "gone-2"))
    problems = checks.checked(store.database).problems
    assert sorted(problems) == [
        ("orphans", "reference_keys.id", 1),
        ("orphans", "runs.company_id", 1),
        ("orphans", "runs.user_id", 1),
    ]


def test_triggers_that_are_gone_are_named(record):
    store, _ = record
    with changing(store) as connection:
        append_only.unprotect(connection)
    found = checks.checked(store.database)
    assert {place for code, place, _ in found.problems if code == "triggers"} >= {
        "audit_events_no_update",
        "audit_seals_no_delete",
    }


def test_an_edited_log_is_not_sound(record):
    store, _ = record
    with changing(store) as connection:
        append_only.unprotect(connection)
        connection.exec_driver_sql("UPDATE audit_events SET actor = 'x' WHERE sequence = 2")
        append_only.protect(connection)
    found = checks.checked(store.database)
    assert found.problems == []
    assert not found.sound
    assert [(f.kind, f.sequence) for f in found.log.findings] == [("edited", 2)]
