"""What faults are tried on: real databases of both kinds, and a service of its own for each."""

import pytest
from databases import PostgreSQL
from running import running


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of this test process, which nobody stops."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """A database with the tables of this version, one of each kind in turn."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql").made()
    return f"sqlite:///{tmp_path / 'record' / 'corridor.db'}"


@pytest.fixture
def sqlite_url(tmp_path):
    """An SQLite database in a folder of its own."""
    return f"sqlite:///{tmp_path / 'record' / 'corridor.db'}"


@pytest.fixture
def service(database_url, tmp_path):
    """A running service on either database."""
    with running(database_url, tmp_path / "service") as found:
        yield found
