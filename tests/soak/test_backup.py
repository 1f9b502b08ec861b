"""A backup taken while clients write: it restores, is sound, and every run of it replays."""

import json

import pytest
import sqlalchemy as sa
from running import COMPANY, OPTIONS, Caller, beside, corridor, running, until

from api.store.store import Store
from api.store.tables import companies, runs

FORMS = [pytest.param(40, id="short"), pytest.param(2_000, id="long", marks=pytest.mark.soak)]


@pytest.mark.parametrize("writes", FORMS)
def test_a_backup_under_load_restores_is_sound_and_replays(
    database_url, postgresql, tmp_path, writes
):
    with running(database_url, tmp_path / "service") as service:
        shown, numbers = {}, iter(range(1_000_000))

        def work():
            with Caller(service) as caller:
                for _ in range(5):
                    name = f"c-{next(numbers)}"
                    said = {"profile": COMPANY, "consents": {"matching": {"note": name}}}
                    kept = caller.ask("PUT", f"/v1/companies/{name}", said)
                    assert kept.status == 201, kept.body
                    body = {"company_id": name, "options": OPTIONS}
                    answer = caller.ask("POST", "/v1/recommendations", body)
                    assert answer.status == 200, answer.body
                    shown[answer.headers["run-id"]] = answer.body

        with beside([work] * 4) as failures:
            until(lambda: failures or len(shown) >= writes)
            acknowledged = dict(shown)
            file = tmp_path / "backup.db"
            done = corridor("db", "backup", file, "--store", database_url, "--language", "en")
            assert done.returncode == 0, done.stderr
            after = len(shown)
            until(lambda: failures or len(shown) > after + 10)
    # Into a database of the other kind.
    other = f"sqlite:///{tmp_path / 'restored' / 'corridor.db'}"
    if database_url.startswith("sqlite"):
        other = postgresql.empty()
    restored = corridor("db", "restore", file, "--store", other, "--language", "en")
    assert restored.returncode == 0, restored.stderr
    checked = corridor("db", "check", "--json", "--store", other, "--language", "en")
    assert (checked.returncode, json.loads(checked.stdout)["sound"]) == (0, True), checked.stdout
    again = Store(other)
    kept = again.read(lambda c: dict(c.execute(sa.select(runs.c.id, runs.c.answer)).all()))
    count = again.read(
        lambda c: c.execute(sa.select(sa.func.count()).select_from(companies)).scalar_one()
    )
    again.close()
    for run_id, body in acknowledged.items():
        assert kept[run_id].encode() == body
    assert len(kept) <= count  # a company is kept before the answer about it
    service.url = other
    try:
        service.start()
        for run_id in list(kept)[:: max(1, len(kept) // 20)]:
            answer = service.ask("POST", f"/v1/runs/{run_id}/replay", {})
            assert (answer.status, answer.json["identical"]) == (200, True), answer.body
        assert service.stop() == 0
    finally:
        if service.process.poll() is None:
            service.kill()
