"""A database of another version is refused, and brought to this one with what it keeps."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from record import peopled

from api.store import maintenance, users
from api.store.database import StoreOutdated
from api.store.store import Store
from api.store.tables import metadata
from api.store.tables import users as people


def test_the_migrations_lead_to_the_tables_of_the_code(store):
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_the_first_version_is_refused_and_upgraded(store, database_url):
    peopled(store)
    listed = sa.select(people.c.id).order_by(people.c.id)
    before = store.read(lambda c: c.execute(listed).scalars().all())
    with store.database.engine.execution_options(writes=True).begin() as connection:
        command.downgrade(maintenance.configuration(connection), "0001")
    assert maintenance.revision(store.database) == "0001"
    again = Store(database_url)
    with pytest.raises(StoreOutdated) as caught:
        maintenance.ready(again.database)
    assert caught.value.params == {"found": "0001", "needed": maintenance.REVISION}
    assert maintenance.upgrade(again.database) == ("0001", maintenance.REVISION)
    maintenance.ready(again.database)
    assert again.read(lambda c: c.execute(listed).scalars().all()) == before != []
    user_id = again.read(lambda c: users.by_login(c, "manager@bank-a"))["id"]
    again.write(lambda write: users.link(write, user_id, "https://issuer.example", "s"))
    found = again.read(lambda c: users.by_identity(c, "https://issuer.example", "s"))
    assert found["user_id"] == user_id
    again.close()
