"""Companies with consents, and runs that showed them products, put into a record by hand."""

import datetime
import uuid

import jsonschema
import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.schemas import components
from api.store.tables import companies, company_versions, consents, runs, users
from recommender import Catalogue

AT = datetime.datetime(2025, 6, 2, 1, 30, tzinfo=datetime.UTC)
CATALOGUE = Catalogue.load()
PRODUCTS = CATALOGUE.products
LOAN, ORDER, FACTORING, FORWARD = "cor-cashflow", "exp-order", "exp-factoring", "fxh-forward"
SHOWN = {"financing": [LOAN, ORDER, FACTORING], "hedge": [FORWARD]}
PROFILE = {"name_zh": "重庆某农机出口有限公司", "synthetic": True, "staff": 45}
AGREED = ("matching", "learning")


def company(store, people, id_="c-1", bank="bank-a", owner=None, agreed=AGREED, profile=None):
    """A company at version 1, with the purposes it agreed to; its id."""
    by, profile = people.ids[bank, "manager"], PROFILE if profile is None else profile
    row = {
        "organisation_id": bank,
        "id": id_,
        "version": 1,
        "branch_id": "north",
        "owner_id": owner or people.ids[bank, "enterprise"],
        "synthetic": True,
        "name_zh": profile.get("name_zh"),
        "created_at": AT,
        "updated_at": AT,
    }
    kept = {
        "profile": orjson.dumps(recorded(profile)).decode(),
        "sources": "{}",
        "user_id": by,
        "at": AT,
    }
    version = {"organisation_id": bank, "company_id": id_, "version": 1, **kept}

    def insert(write):
        write.execute(sa.insert(companies), row)
        write.execute(sa.insert(company_versions), version)
        for purpose in agreed:
            agree(write, bank, id_, purpose, by)

    store.write(insert)
    return id_


def recorded(profile):
    """A profile as the record has it: without its id, every fact with room for its source."""
    kept = {name: value for name, value in profile.items() if name not in ("id", "consents")}
    facts = kept.get("facts", {}).items()
    whole = {name: fact if isinstance(fact, dict) else {"value": fact} for name, fact in facts}
    return {**kept, "facts": whole} if whole else kept


class Within:
    """Lets the functions here write within one write, where many of them would take long."""

    def __init__(self, write):
        self._write = write

    def write(self, work):
        return work(self._write)


def agree(write, bank, company_id, purpose, by):
    row = {"organisation_id": bank, "company_id": company_id, "purpose": purpose, "user_id": by}
    write.execute(sa.insert(consents), {**row, "id": str(uuid.uuid4()), "given_at": AT})


def disagree(store, company_id, purpose):
    same = (consents.c.company_id == company_id, consents.c.purpose == purpose)
    store.write(lambda w: w.execute(sa.update(consents).where(*same).values(withdrawn_at=w.at)))


def erase(store, company_id):
    same = companies.c.id == company_id
    store.write(lambda w: w.execute(sa.update(companies).where(same).values(erased_at=w.at)))


def ran(store, company_id="c-1", bank="bank-a", lanes=None, at=AT, answer=None):
    """A run that showed products by lane; its id."""
    lanes = SHOWN if lanes is None else lanes
    shown = [{"lane": n, "matches": [{"product_id": i} for i in ids]} for n, ids in lanes.items()]
    row = {
        "id": str(uuid.uuid4()),
        "organisation_id": bank,
        "user_id": "somebody",
        "operation": "recommend",
        "company_id": company_id,
        "company_version": 1,
        "engine_version": "1",
        "catalogue_version": "1",
        "parameters_version": "1",
        "model_version": "1",
        "request": "{}",
        "answer": orjson.dumps({"lanes": shown} if answer is None else answer).decode(),
        "at": at,
    }
    store.write(lambda write: write.execute(sa.insert(runs), row))
    return row["id"]


def caller(store, people, role="manager", bank="bank-a"):
    """A caller as the guard makes one."""
    query = sa.select(users).where(users.c.id == people.ids[bank, role])
    row = store.read(lambda c: c.execute(query).mappings().one())
    return Caller(row["id"], bank, row["branch_id"], row["role"], "write", "token", AT)


def count(store, table, *where):
    query = sa.select(sa.func.count()).select_from(table).where(*where)
    return store.read(lambda c: c.execute(query).scalar_one())


def rows(store, table, *where):
    query = sa.select(table).where(*where)
    return store.read(lambda c: [dict(row) for row in c.execute(query).mappings()])


def conforms(value, model):
    """Hold a value against the published schema of a model, which no other fields may extend."""
    found = components([model])
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    whole = {**schema, "components": {"schemas": _closed(found)}}
    problems = jsonschema.Draft202012Validator(whole).iter_errors(value)
    assert [f"{error.json_path}: {error.message[:200]}" for error in problems] == []


def _closed(schema):
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value) for key, value in schema.items()}
    return {**found, "additionalProperties": False} if "properties" in found else found
