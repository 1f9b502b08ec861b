"""The databases that random requests are made on."""

import pytest
from databases import PostgreSQL


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of this test process."""
    with PostgreSQL() as server:
        yield server
