"""A database of an earlier version is brought to the tables of this one, with what it keeps."""

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from record import peopled

from api.store import maintenance
from api.store.database import WRITES, Database
from api.store.store import Store
from api.store.tables import metadata, users


def test_the_migrations_lead_to_the_tables_of_the_code(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'corridor.db'}")
    maintenance.upgrade(database)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_what_the_first_version_kept_is_there_after_an_upgrade(tmp_path):
    url = f"sqlite:///{tmp_path / 'corridor.db'}"
    database = Database(url)
    with database.engine.execution_options(**WRITES).begin() as connection:
        command.upgrade(maintenance.configuration(connection), "0001")
    store = Store(url)
    peopled(store)
    before = store.read(lambda c: c.execute(sa.select(users.c.id)).scalars().all())
    store.close()
    assert maintenance.upgrade(database) == ("0001", maintenance.REVISION)
    with database.reading() as connection:
        after = connection.execute(sa.select(users.c.id)).scalars().all()
    assert sorted(after) == sorted(before) != []
    maintenance.ready(database)
    database.close()
