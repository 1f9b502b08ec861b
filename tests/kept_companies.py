"""Companies of the record for tests, written as rows."""

import orjson
import sqlalchemy as sa

from api.examples import EXPORTER
from api.store.tables import companies, company_versions, consents


def keep_company(service, company_id, *, bank="bank-a", branch="north", owner=None, consent=True):
    """A company of a bank with the example's profile; owner: key of a user, None for nobody."""
    user_id = service.people.ids[bank, "admin"]
    place = {"organisation_id": bank, "company_id": company_id}
    profile = orjson.dumps({**EXPORTER, "id": company_id}, option=orjson.OPT_SORT_KEYS).decode()

    def rows(write):
        times = {"created_at": write.at, "updated_at": write.at}
        row = {"organisation_id": bank, "id": company_id, "version": 1, "branch_id": branch}
        row |= {"owner_id": owner and service.people.ids[bank, owner], "synthetic": True, **times}
        write.execute(sa.insert(companies), row)
        version = {"version": 1, "profile": profile, "sources": "{}", "user_id": user_id}
        write.execute(sa.insert(company_versions), {**place, **version, "at": write.at})
        if consent:
            given = {"id": f"{bank}-{company_id}", "purpose": "matching", "user_id": user_id}
            write.execute(sa.insert(consents), {**place, **given, "given_at": write.at})

    service.store.write(rows)


def erase(service, company_id, bank="bank-a"):
    """Mark a company as erased."""
    mine = (companies.c.organisation_id == bank, companies.c.id == company_id)
    service.store.write(
        lambda write: write.execute(
            sa.update(companies).where(*mine).values(erased_at=write.at, updated_at=write.at)
        )
    )
