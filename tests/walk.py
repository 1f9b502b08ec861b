"""Every operation with a request that works, by whom, and whose ids may stand in it.

A `World` is a record with two banks. In each stand companies that differ in who may see them, with
everything that can hang on one: a run, an application, an outcome, an override, a review, contacts.
An `Ids` is what one request may name; it notes what was asked of it, so that each of those ids can
be put in the place of one that is foreign, hidden, or nowhere.
"""

import contextlib
import datetime
import itertools
import json
import uuid
from dataclasses import dataclass, field, replace
from functools import cache

import orjson
import sqlalchemy as sa
from catalogue_copies import NEW, changed
from record import add_user, serving

from api.examples import EXPORTER, SMALL
from api.identity import passwords, tokens
from api.jobs import populations
from api.jobs.work import Meter, Work
from api.policy import POLICY, PURPOSES
from api.schemas.applications import ApplicationRequest
from api.schemas.outcomes import OutcomeEntry
from api.schemas.overrides import OverrideRequest
from api.schemas.reviews import ReviewRequest
from api.store import (
    applications,
    consents,
    contacts,
    jobs,
    outcomes,
    overrides,
    reviews,
    runs,
    tables,
    users,
)
from api.store.company_changes import Statement, put
from api.store.conditions import Condition
from api.store.registry import StoreShelf
from recommender import Catalogue, Company, Engine
from recommender.matching.scoring import Weights
from recommender.matching.similarity import NAMES
from recommender.registry.catalogues import content_of
from recommender.registry.registry import Registry
from recommender.simulation.companies import code

A, B = "bank-a", "bank-b"
WORDS = "a long enough secret"
OPTIONS = {"as_of": "2026-11-23", "language": "en", "lanes": ["financing"], "limit": 5}
DAY = datetime.timedelta(days=1)
PROFILE = {name: value for name, value in EXPORTER.items() if name != "facts"}
LATER = "2031-01-01"
# Companies of each bank: where they sit, whose they are, what they did not agree to.
PLACES = {
    "own": ("north", "enterprise", ()),
    "south": ("south", "rival-south", ()),
    "silent": ("north", "rival", ("matching", "contact")),
    "uncalled": ("north", "rival", ("contact",)),
}
MANAGER_OF = {"north": "manager", "south": "southerner"}
# What a user of the own bank may know by name; analysts nothing.
SEEN = {
    "enterprise": {"own"},
    "manager": {"own", "uncalled"},
    "analyst": set(),
    "auditor": set(PLACES),
    "admin": set(PLACES),
}
# Other companies of the own bank that a role must not find; whoever is not here sees them all.
HIDDEN = {"enterprise": ("south", "uncalled"), "manager": ("south", "silent"), "analyst": ("own",)}


@cache
def engine():
    return Engine(Catalogue.load())


@dataclass
class Firm:
    """A company with the words that only it has, and what hangs on it by kind."""

    bank: str
    place: str
    id: str
    mark: str
    uscc: str
    pseudonym: str = ""
    ids: dict = field(default_factory=dict)

    @property
    def words(self):
        """What no caller may read who does not see the company by name."""
        hanging = ("run", "application", "review", "override")
        return (self.mark, self.uscc, *(self.ids[kind] for kind in hanging))


class World:
    """The service with both banks. firms: by bank and place, those there from the start."""

    def __init__(self, service):
        self.service, self.people, self.store = service, service.people, service.store
        self.numbers, self.firms, self.jobs = itertools.count(1), {}, {A: [], B: []}
        self.models, self.catalogues = {}, {}
        self.described = service.client.get("/openapi.json").json()["paths"]
        self.routes = {route.operation_id: route for route in service.client.app.state.operations}

    def caller(self, bank, name):
        """Somebody as the guard makes a caller."""
        user_id = self.people.ids[bank, name]
        return replace(self.store.read(lambda c: users.as_caller(c, user_id)), scope="write")

    def token(self, bank, name, scope="write", lasts=DAY):
        """One more token of somebody."""
        made, user_id = tokens.made(), self.people.ids[bank, name]
        hashed = tokens.hashed(made)
        self.store.write(lambda w: users.add_token(w, user_id, hashed, scope, "walk", lasts))
        return made

    def firm(self, bank, place, id_=None):
        """A new company, with all that hangs on it, kept by the functions that the service uses."""
        number = next(self.numbers)
        branch, owner, refused = PLACES[place]
        mark = f"Zq{number:04d}{bank[-1]}{place}"
        firm = Firm(bank, place, id_ or f"f{number:04d}-{place}", mark, code(9_000_000 + number))
        owner, manager = self.caller(bank, owner), self.caller(bank, MANAGER_OF[branch])
        said = Statement(Company.parse(profile_of(firm)), consents=dict.fromkeys(PURPOSES, mark))
        admin = self.caller(bank, "admin")

        def begin(write):
            put(write, owner, firm.id, said, NEW_ONE)
            runs.keep(write, owner, run_of(firm))

        self.store.write(begin)
        run_id = self.newest(tables.runs, firm)
        firm.ids |= {"company": firm.id, "run": run_id, "product": product_of(), "into": firm.id}
        firm.ids["applied"] = shown()[1]
        firm.ids["owner"] = self.people.ids[bank, MANAGER_OF[branch]]
        products = engine().catalogue.products

        def follow(write):
            asked = ApplicationRequest(company_id=firm.id, product_id=shown()[1], run_id=run_id)
            firm.ids["application"] = applications.start(write, manager, asked, products)
            entry = OutcomeEntry(run_id=run_id, product_id=shown()[2], outcome="declined")
            outcomes.record(write, owner, [("", entry)])
            own = OverrideRequest(product_id=shown()[2], decision="recommend", reason=mark)
            firm.ids["override"] = overrides.add(write, manager, firm.id, own, products)["id"]
            question = ReviewRequest(question=mark)
            firm.ids["review"] = reviews.ask(write, owner, firm.id, question, products)["id"]
            contacts.add(write, manager, firm.id, None, mark)
            for purpose in refused:
                consents.withdraw(write, admin, firm.id, purpose, mark)

        self.store.write(follow)
        named = (tables.companies.c.organisation_id == bank, tables.companies.c.id == firm.id)
        query = sa.select(tables.companies.c.pseudonym).where(*named)
        firm.pseudonym = self.store.read(lambda c: c.execute(query).scalar_one())
        firm.ids["pseudonym"] = firm.pseudonym
        return firm

    def newest(self, table, firm):
        """The id of a row about a company."""
        own = (table.c.organisation_id == firm.bank, table.c.company_id == firm.id)
        return self.store.read(lambda c: c.execute(sa.select(table.c.id).where(*own)).scalar_one())

    def run(self, bank, name):
        """A run that somebody asked for about no company."""
        run, by = replace(run_of(None), id=str(uuid.uuid4())), self.caller(bank, name)
        self.store.write(lambda write: runs.keep(write, by, run))
        return run.id

    def job(self, bank, name, *, ended=False, kind="train"):
        """A job that waits for a file and has another, or one that was cancelled."""
        by = self.caller(bank, name)
        files = {"outcomes": "outcomes.csv", "companies": "firms.jsonl"}

        def ask(write):
            job_id = jobs.add(write, by, kind, files if kind == "train" else {}, waits=True)
            row = {"job_id": job_id, "name": "outcomes.csv", "content": b"event\n"}
            write.execute(sa.insert(tables.job_files), row)
            if ended:
                jobs.cancel(write, by, job_id)
            return job_id

        self.jobs[bank].append(self.store.write(ask))
        return self.jobs[bank][-1]

    def ask(self, asked, token=None):
        """The answer to a request; token: None for none."""
        headers = {"Accept-Language": "en", **asked.headers}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        given = {"content": asked.content} if asked.content is not None else {"json": asked.json}
        return self.service.client.request(
            asked.method, asked.path, params=asked.query, headers=headers, **given
        )

    def success(self, operation):
        """The status of an operation that was done, as its description has it."""
        route = self.routes[operation]
        entry = self.described[route.path][next(iter(route.methods)).lower()]
        return next(int(status) for status in entry["responses"] if status.startswith("2"))


NEW_ONE = Condition(none=True)


def profile_of(firm):
    """A profile that says the words of its company wherever a profile has room for words."""
    trade = {**PROFILE["trade"], "description": firm.mark}
    held = {"lender": firm.mark, "kind": "loan", "maturity": "2030-01-31", "secured_by": firm.mark}
    names = {"name_zh": f"{firm.mark}公司", "name_en": f"{firm.mark} Co.", "uscc": firm.uscc}
    return {**PROFILE, **names, "trade": trade, "facilities": [held], "id": firm.id}


def run_of(firm):
    """A real answer about a company, which a replay computes again."""
    whole = PROFILE if firm is None else profile_of(firm)
    profile = {name: value for name, value in whole.items() if name != "id"}
    options = engine().options(OPTIONS)
    answer = engine().recommend(Company.parse(profile), options)
    stated = {**options.model_dump(mode="json"), **OPTIONS}
    request = orjson.dumps({"company": profile, "options": stated}).decode()
    versions = {name: answer[name] for name in runs.VERSIONS} | {"population_version": None}
    named = (str(uuid.uuid4()), "recommend", request, orjson.dumps(answer).decode())
    about = () if firm is None else (firm.id, 1)
    return runs.Run(*named, versions, *about)


@cache
def shown():
    """Products that every company here is shown, best first."""
    lanes = engine().recommend(Company.parse(PROFILE), engine().options(OPTIONS))["lanes"]
    return [match["product_id"] for match in lanes[0]["matches"]]


def product_of():
    return shown()[0]


@dataclass
class Asked:
    """A request: path and query are filled, `json` or `content` is its body."""

    method: str
    path: str
    query: dict = field(default_factory=dict)
    json: object = None
    content: bytes | None = None
    headers: dict = field(default_factory=dict)


class Ids:
    """What a request of somebody may name, by kind; `used` are the kinds that it did name."""

    def __init__(self, world, bank, role, firm, **instead):
        self.world, self.bank, self.role, self.firm = world, bank, role, firm
        self.instead, self.used, self._made = instead, [], {}

    def __getattr__(self, kind):
        if kind not in self.used:
            self.used.append(kind)
        if kind in self.instead:
            return self.instead[kind]
        if kind not in self._made:
            self._made[kind] = self._own(kind)
        return self._made[kind]

    def _own(self, kind):
        world, asker = self.world, self.role if self.role != "auditor" else "analyst"
        if kind in ("job", "ended_job"):
            return world.job(self.bank, asker, ended=kind == "ended_job")
        if kind == "into":
            return world.firm(self.bank, "own").id
        if kind == "login":
            return f"rival@{self.bank}"
        if kind == "own_run":
            return world.run(self.bank, asker)
        if kind in ("model", "other_model"):
            return world.models[self.bank][kind == "other_model"]
        if kind in ("catalogue", "other_catalogue"):
            return world.catalogues[self.bank] if kind == "catalogue" else "packaged"
        if kind == "company" and self.role == "analyst":
            return self.firm.pseudonym
        return self.firm.ids[kind]


@dataclass
class Case:
    """One way to ask an operation.

    roles: who gets an answer this way; None for whoever may ask at all. shows: kinds whose ids
    stand in the answer. otherwise: status for an id of a kind that is not the caller's, where it
    is not 404. after: puts back what a success changed for others.
    """

    operation: str
    ask: object
    roles: tuple | None = None
    shows: tuple = ()
    otherwise: dict = field(default_factory=dict)
    own_token: bool = False
    after: object = None


CASES: list[Case] = []
EVERYWHERE = {"company": 200}
NAMERS = ("enterprise", "manager", "admin")


def case(operation, **more):
    """Note how an operation is asked: a function of the ids to what the request has."""

    def noted(ask):
        CASES.append(Case(operation, ask, **more))
        return ask

    return noted


def request(world, case, ids):
    """A case as a request with these ids."""
    route = world.routes[case.operation]
    found = dict(case.ask(ids))
    path = route.path.format_map(found.pop("at", {}))
    return Asked(next(iter(route.methods)), path, **found)


# --- answers about one profile -------------------------------------------------------------------

BODIES = {
    "recommend": {},
    "eligibility": {},
    "what_if": {"set": {"need.amount": 900_000}},
    "plans": {},
}
for _name, _more in BODIES.items():
    _options = {"plans": 1} if _name == "plans" else {"limit": 2}

    @case(_name)
    def _(ids, more=_more, options=_options):
        return {"json": {"company": dict(SMALL), "options": options, **more}}

    @case(_name, roles=NAMERS)
    def _(ids, more=_more, options=_options):
        return {"json": {"company_id": ids.company, "options": options, **more}}


@case("company_recommendations", shows=("company",))
def _(ids):
    return {"at": {"company_id": ids.company}, "query": {"limit": 2}}


@case("prospects", shows=("company",))
def _(ids):
    return {"at": {"product_id": ids.product}, "json": {"options": {"n": 100}}}


@case("products", shows=("product",))
@case("facts")
@case("me")
@case("audit")
@case("verify_audit")
def _(ids):
    return {}


@case("product", shows=("product",))
def _(ids):
    return {"at": {"product_id": ids.product}}


@case("end_session", own_token=True)
def _(ids):
    return {}


# --- companies -----------------------------------------------------------------------------------


@case("list_companies", shows=("company",))
def _(ids):
    return {"query": {"limit": 200}}


@case("get_company", shows=("company",))
@case("export_company", shows=("company", "application", "override", "review"))
@case("erase_company")
@case("list_contacts", shows=("company",))
@case("overrides", shows=("override",))
def _(ids):
    return {"at": {"company_id": ids.company}}


@case("put_company", shows=("company",), otherwise={"company": 412})
def _(ids):
    body = {"profile": {"staff": 5}, "consents": {"matching": {}}}
    return {"at": {"company_id": ids.company}, "json": body, "headers": {"If-Match": "*"}}


@case("merge_companies", shows=("into",))
def _(ids):
    return {"at": {"company_id": ids.company}, "json": {"into": ids.into}}


@case("set_company_owner", shows=("company",))
def _(ids):
    return {"at": {"company_id": ids.company}, "json": {"login": None}}


@case("set_company_owner", shows=("company",), otherwise={"login": 422})
def _(ids):
    return {"at": {"company_id": ids.company}, "json": {"login": ids.login}}


def lines(*rows):
    return {
        "content": b"".join(json.dumps(row).encode() + b"\n" for row in rows),
        "headers": {"Content-Type": "application/x-ndjson"},
    }


@case("import_companies")
def _(ids):
    agreed = {"data_use": ["matching"]}
    return lines({"id": f"i-{uuid.uuid4().hex[:12]}", "staff": 3, "consents": agreed})


@case("import_companies", otherwise=EVERYWHERE)
def _(ids):
    """Nothing is kept: an id that is foreign is free here, as one that is nowhere."""
    row = {"id": ids.company, "staff": 3, "consents": {"data_use": ["matching"]}}
    return {**lines(row), "query": {"dry_run": "true"}}


@case("give_consent", shows=("company",))
def _(ids):
    return {"at": {"company_id": ids.company, "purpose": "peers"}, "json": {"note": "again"}}


@case("withdraw_consent")
def _(ids):
    return {"at": {"company_id": ids.company, "purpose": "peers"}}


@case("add_contact", shows=("company",))
def _(ids):
    return {"at": {"company_id": ids.company}, "json": {"note": "a call"}}


@case("list_facilities", shows=("company",))
def _(ids):
    return {"query": {"maturing_before": LATER, "limit": 200}}


# --- applications, outcomes, overrides, reviews --------------------------------------------------


@case("start_application", otherwise={"owner": 422}, shows=("company", "run"))
def _(ids):
    body = {"company_id": ids.company, "product_id": ids.product, "run_id": ids.run}
    if ids.role == "manager":
        body["owner_id"] = ids.owner
    return {"json": body}


@case("step_application", otherwise={"owner": 422}, shows=("application",))
def _(ids):
    body = {"status": "withdrawn"}
    if ids.role == "manager":
        body = {"status": "documents", "owner_id": ids.owner}
    return {"at": {"application_id": ids.application}, "json": body, "headers": {"If-Match": "*"}}


@case("applications", shows=("application",))
@case("reviews", shows=("review",))
@case("outcomes", shows=("company",))
def _(ids):
    return {"query": {"limit": 200}}


@case("applications", shows=("application",), otherwise={**EVERYWHERE, "owner": 200})
def _(ids):
    return {"query": {"company": ids.company, "owner": ids.owner}}


@case("application", shows=("application",))
def _(ids):
    return {"at": {"application_id": ids.application}}


@case("application_counts", shows=("applied",))
@case("outcome_table", shows=("pseudonym",))
def _(ids):
    return {}


def declined(**named):
    return {"json": {**named, "product_id": shown()[3], "outcome": "declined"}}


@case("record_outcomes", otherwise={"run": 422})
def _(ids):
    return declined(run_id=ids.run)


@case("record_outcomes", otherwise={"company": 422})
def _(ids):
    return declined(company_id=ids.company)


@case("import_outcomes", otherwise={"run": 200})
def _(ids):
    return lines({"run_id": ids.run, "product_id": shown()[4], "outcome": "declined"})


@case("import_outcomes", otherwise=EVERYWHERE)
def _(ids):
    row = {"company_id": ids.company, "product_id": shown()[4], "outcome": "declined"}
    return {**lines(row), "query": {"dry_run": "true"}}


@case("add_override", shows=("company", "run"))
def _(ids):
    body = {"product_id": ids.product, "decision": "advise_against", "reason": "x"}
    return {"at": {"company_id": ids.company}, "json": {**body, "run_id": ids.run}}


@case("withdraw_override")
def _(ids):
    return {"at": {"company_id": ids.company, "override_id": ids.override}}


@case("ask_review", shows=("company", "run"))
def _(ids):
    body = {"question": "why", "run_id": ids.run, "product_id": ids.product}
    return {"at": {"company_id": ids.company}, "json": body}


@case("answer_review", shows=("review",))
def _(ids):
    return {"at": {"review_id": ids.review}, "json": {"answer": "so"}}


@case("reviews", shows=("review",), otherwise=EVERYWHERE)
def _(ids):
    return {"query": {"company": ids.company}}


@case("review", shows=("review",))
def _(ids):
    return {"at": {"review_id": ids.review}}


# --- runs ----------------------------------------------------------------------------------------


@case("runs")
def _(ids):
    return {"query": {"limit": 200}}


@case("runs", roles=(*NAMERS, "auditor"), shows=("run",), otherwise=EVERYWHERE)
def _(ids):
    return {"query": {"company_id": ids.company}}


@case("run", roles=(*NAMERS, "auditor"), shows=("run",))
@case("replay", roles=("manager", "auditor", "admin"), shows=("run",))
def _(ids):
    return {"at": {"run_id": ids.run}}


@case("run", roles=("analyst",), shows=("own_run",))
@case("replay", roles=("analyst",), shows=("own_run",))
def _(ids):
    """Analysts have the answers about no company that they asked for themselves."""
    return {"at": {"run_id": ids.own_run}}


# --- models, catalogues, jobs --------------------------------------------------------------------


@case("models", shows=("model",))
@case("catalogues", shows=("catalogue",))
def _(ids):
    return {}


@case("model", shows=("model",))
def _(ids):
    return {"at": {"version": ids.model}}


@case("compare_models", shows=("model", "other_model"))
def _(ids):
    return {"query": {"a": ids.model, "b": ids.other_model}}


@case("promote_model", shows=("model",))
def _(ids):
    body = {"reason": "a rehearsal", "despite": True}
    return {"at": {"version": ids.model}, "json": body}


def _packaged(world, bank):
    """Back to the catalogue that the population was built on."""
    asked = Asked("POST", "/v1/catalogues/packaged/use", json={"reason": "back"})
    assert world.ask(asked, world.people.tokens[bank, "admin"]).status_code == 200


@case("roll_back", after=_packaged)
def _(ids):
    registry = Registry(StoreShelf(ids.world.store, ids.bank))
    registry.promote(ids.world.models[ids.bank][1], "walk", "to be undone", ())
    return {"json": {"reason": "a rehearsal"}}


@case("add_catalogue")
def _(ids):
    content = content_of(changed(5_000_000 + next(ids.world.numbers))).encode()
    return {"query": {"name": "new.json"}, "content": content}


@case("compare_catalogues")
def _(ids):
    against = {"against": ids.other_catalogue}
    return {"at": {"version": ids.catalogue}, "query": against}


@case("use_catalogue", shows=("catalogue",), after=_packaged)
def _(ids):
    return {"at": {"version": ids.catalogue}, "json": {"reason": "a rehearsal"}}


@case("start_job")
def _(ids):
    kinds = {"manager": "plans", "analyst": "train", "admin": "population"}
    return {"json": {"kind": kinds.get(ids.role, "plans"), "parameters": {}}}


@case("start_job", roles=("analyst", "admin"), otherwise={"model": 201})
def _(ids):
    """Taken whatever it names: the job itself looks among the models of its organisation."""
    return {"json": {"kind": "promote", "parameters": {"model": ids.model, "reason": "x"}}}


@case("jobs", shows=("job",), otherwise={"job": 200})
def _(ids):
    assert ids.job
    return {}


@case("job", shows=("job",))
def _(ids):
    return {"at": {"job_id": ids.job}}


@case("job_events", shows=("ended_job",))
def _(ids):
    return {"at": {"job_id": ids.ended_job}}


@case("cancel_job", shows=("job",))
def _(ids):
    return {"at": {"job_id": ids.job}}


@case("put_job_file", shows=("job",))
def _(ids):
    return {"at": {"job_id": ids.job, "name": "firms.jsonl"}, "content": b"{}\n"}


@case("job_file")
def _(ids):
    return {"at": {"job_id": ids.job, "name": "outcomes.csv"}}


# --- open to everybody ---------------------------------------------------------------------------


@case("health")
@case("ready")
@case("notice")
def _(ids):
    return {}


@case("start_session")
def _(ids):
    return {"json": {"login": "keyed@bank-a", "password": WORDS}}


# --- the record ----------------------------------------------------------------------------------


@contextlib.contextmanager
def world(url, folder):
    """A world on a database; nothing runs in it but what is asked."""
    cases = folder / "cases"
    cases.mkdir()
    expect = {"unsaid": [{"en": "no such words anywhere"}]}
    story = {"title": "Nothing", "story": "A firm of which nothing is known.", "company": {}}
    one = {**story, "as_of": "2026-11-23", "expect": expect}
    (cases / "one.yaml").write_text(json.dumps([one]), "utf-8")
    with serving(url, jobs=0, cases=cases) as service:
        found = World(service)
        for bank in (A, B):
            _settled(found, bank, folder)
        keyed = {"login": "keyed@bank-a", "name": "keyed", "role": "auditor", "branch_id": None}
        row = {**keyed, "organisation_id": A, "password_hash": passwords.hashed(WORDS)}
        found.store.write(lambda write: users.add_user(write, row))
        used = found.catalogues[B]
        asked = Asked("POST", f"/v1/catalogues/{used}/use", json={"reason": "own products"})
        assert found.ask(asked, found.people.tokens[B, "admin"]).status_code == 200
        yield found


def _settled(found, bank, folder):
    """A bank's people, companies, models, catalogue and population; both banks share one id."""
    store, people = found.store, found.people
    add_user(store, people, bank, "manager", "southerner", branch="south")
    for branch, name in (("north", "rival"), ("south", "rival-south")):
        add_user(store, people, bank, "enterprise", name, branch=branch)
    for place in PLACES:
        id_ = "a-own" if place == "own" else f"{bank[-1]}-{place}-static"
        found.firms[bank, place] = found.firm(bank, place, id_)
    if bank == B:
        found.firms[B, "alone"] = found.firm(B, "own", "b-alone-static")
    registry, turn = Registry(StoreShelf(store, bank)), (A, B).index(bank)
    made = [
        Weights(
            {**dict.fromkeys(NAMES, 0.5), "route": 4.0 + turn + more},
            {},
            engine().catalogue.version,
        )
        for more in (0.25, 0.5)
    ]
    for weights in made:
        registry.add(weights, {"kind": "trained"}, {"card.en.md": "# card", "card.zh.md": "# 卡"})
    found.models[bank] = [weights.version for weights in made]
    catalogue = changed(4_000_000 + turn, added=bank == B)
    registry.catalogues.add(catalogue)
    found.catalogues[bank] = catalogue.version
    _packed(found, bank, folder)


def _packed(found, bank, folder):
    """The population of a bank, as its job makes it."""
    place, job_id = folder / f"work-{bank}", str(uuid.uuid4())
    place.mkdir()
    settings, by = found.service.client.app.state.settings, found.people.ids[bank, "admin"]
    populations.build(Work(settings, found.store, job_id, bank, by, None, place, Meter()))
    row = {"id": job_id, "organisation_id": bank, "kind": "population", "status": "done"}
    more = {"parameters": "{}", "progress": 1.0, "attempts": 1, "cancel": False, "user_id": by}

    def done(write):
        times = {"created_at": write.at, "ended_at": write.at}
        write.execute(sa.insert(tables.jobs), {**row, **more, **times})

    found.store.write(done)


def foreign(world, role, kind):
    """Ids of a kind that a role of the first bank must not find: of the other bank, or hidden."""
    firms = [world.firms[B, place] for place in ("own", "south", "alone")]
    hidden = [world.firms[A, place] for place in HIDDEN.get(role, ())]
    if kind == "company":
        other = [f.pseudonym if role == "analyst" else f.id for f in firms if f.id != "a-own"]
        return [*other, *(f.id for f in hidden)]
    if kind == "into":
        return [f.id for f in firms if f.id != "a-own"]
    if kind in ("run", "application", "review", "override"):
        return [f.ids[kind] for f in (*firms, *hidden)]
    return _of_bank(world, role, kind)


def _of_bank(world, role, kind):
    if kind == "own_run":
        return [world.firms[B, "own"].ids["run"], world.firms[A, "own"].ids["run"]]
    if kind == "product":
        return [NEW]
    if kind == "login":
        return [f"enterprise@{B}", f"manager@{A}"]
    if kind == "owner":
        return [world.people.ids[B, "manager"], world.people.ids[A, "southerner"]]
    if kind in ("job", "ended_job"):
        unseen = {
            "manager": [("admin", "train"), ("southerner", "plans")],
            "analyst": [("manager", "plans")],
        }
        there = [world.job(A, name, ended=True, kind=k) for name, k in unseen.get(role, ())]
        return [
            world.job(B, role if role != "auditor" else "analyst", ended=kind == "ended_job"),
            *there,
        ]
    if kind in ("model", "other_model"):
        return [world.models[B][0]]
    if kind in ("catalogue", "other_catalogue"):
        return [world.catalogues[B]]
    return []


def unlike(id_):
    """An id of the same form that is nowhere."""
    return f"{id_[:-5]}00f00" if not id_.endswith("00f00") else f"{id_[:-5]}0f000"


def unseen_words(world, bank, role):
    """What no answer to a caller may say: words of every company that it does not see by name."""
    seen = SEEN[role]
    return [
        (firm.bank, firm.place, word.encode())
        for firm in world.firms.values()
        if firm.bank != bank or firm.place not in seen
        for word in firm.words
    ] + [(B, "job", job_id.encode()) for job_id in world.jobs[B] if bank != B]


def names_of(operation):
    return [one for one in CASES if one.operation == operation]


ALLOWED = {name: sorted(allowed.roles) for name, allowed in POLICY.items()}
