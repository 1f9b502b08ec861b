"""The demo is made at any hour of the day."""

import datetime

import sqlalchemy as sa

from api import demo
from api.settings import Settings
from api.store.store import Store
from api.store.tables import outcomes

FEW = ((demo.BANK, "liangjiang", 10),)


def test_the_past_is_made_up_where_the_day_in_shanghai_is_already_the_next(tmp_path, monkeypatch):
    class Evening(demo.Clock):
        """Eight in the evening in UTC, four in the morning in Shanghai."""

        def __init__(self):
            self.now = datetime.datetime(2026, 11, 23, 20, 0, tzinfo=datetime.UTC)

    monkeypatch.setattr(demo, "Clock", Evening)
    settings, tokens = demo.prepared(Settings(models=tmp_path / "models"), tmp_path, FEW)
    assert tokens.stat().st_mode & 0o077 == 0
    store = Store(settings.store)
    days = store.read(lambda c: c.execute(sa.select(outcomes.c.decided_on)).scalars().all())
    store.close()
    assert days
    assert max(days) <= datetime.date(2026, 11, 24)
