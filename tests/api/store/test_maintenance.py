"""Tables of another version are refused, and brought to this one with what they hold."""

import pytest
from record import peopled

from api.store import maintenance, users
from api.store.database import StoreOutdated
from api.store.store import Store


def test_a_database_of_the_version_before_is_refused_and_upgraded(store, database_url):
    from alembic import command

    peopled(store)
    with store.database.engine.execution_options(writes=True).begin() as connection:
        command.downgrade(maintenance.configuration(connection), "0001")
    assert maintenance.revision(store.database) == "0001"
    again = Store(database_url)
    with pytest.raises(StoreOutdated) as caught:
        maintenance.ready(again.database)
    assert caught.value.params == {"found": "0001", "needed": maintenance.REVISION}
    assert maintenance.upgrade(again.database) == ("0001", maintenance.REVISION)
    maintenance.ready(again.database)
    user_id = again.read(lambda c: users.by_login(c, "manager@bank-a"))["id"]
    again.write(lambda write: users.link(write, user_id, "https://issuer.example", "s"))
    found = again.read(lambda c: users.by_identity(c, "https://issuer.example", "s"))
    assert found["user_id"] == user_id
    again.close()
