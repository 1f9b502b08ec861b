"""Jobs through the service: asked for, watched, cancelled, killed and run again."""

import csv
import io
import json
import signal
import time

import httpx2 as httpx
import psutil
import pytest
import sqlalchemy as sa
from catalogue_copies import changed
from record import peopled, serving

from api.cli import main
from api.policy import ROLES
from api.store import maintenance
from api.store.store import Store
from api.store.tables import companies, company_versions, consents, registry_files
from recommender.population.population import Population
from recommender.registry.catalogues import content_of

ADDED = changed(5_000_000, added=True)
PATIENCE = 120
QUICK = {"job_patience": 2}
ENDS = ("done", "failed", "cancelled")


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory):
    """Files of outcomes and firms, few enough to be learned from at once."""
    folder = tmp_path_factory.mktemp("outcomes")
    files = ["--out", str(folder / "firms.jsonl"), "--outcomes", str(folder / "outcomes.csv")]
    flags = ["--companies", "60", "--unknown", "0.2", "--seed", "2", "--language", "en"]
    assert main(["simulate", *flags, *files]) == 0
    return {name: (folder / name).read_bytes() for name in ("outcomes.csv", "firms.jsonl")}


@pytest.fixture(scope="session")
def few(outcomes):
    """The first five events: too few to learn anything from."""
    rows = list(csv.reader(io.StringIO(outcomes["outcomes.csv"].decode())))
    at = rows[0].index("event")
    kept = {
        event for event, _ in zip(dict.fromkeys(r[at] for r in rows[1:]), range(5), strict=False)
    }
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [rows[0], *(r for r in rows[1:] if r[at] in kept)]
    )
    return {**outcomes, "outcomes.csv": out.getvalue().encode()}


TRAIN = {"outcomes": "outcomes.csv", "companies": "firms.jsonl"}


@pytest.fixture
def service(database_url):
    with serving(database_url, **QUICK) as found:
        yield found


@pytest.fixture
def idle(database_url):
    """A service that runs no jobs."""
    with serving(database_url, jobs=0) as found:
        yield found


@pytest.fixture
def on_sqlite(tmp_path):
    with serving(f"sqlite:///{tmp_path / 'record' / 'corridor.db'}", **QUICK) as found:
        yield found


def asked(service, kind, parameters=None, files=None, role="analyst", bank="bank-a"):
    body = {"kind": kind, "parameters": parameters or {}}
    answer = service.ask("POST", "/v1/jobs", body, role=role, bank=bank)
    assert answer.status_code == 201, answer.text
    for name, content in (files or {}).items():
        put(service, answer.json()["id"], name, content, role, bank)
    return answer.json()["id"]


def put(service, job_id, name, content, role="analyst", bank="bank-a"):
    headers = {**service.people.header(role, bank), "Accept-Language": "en"}
    return service.client.put(f"/v1/jobs/{job_id}/files/{name}", content=content, headers=headers)


def job_of(service, job_id, role="admin"):
    return service.ask("GET", f"/v1/jobs/{job_id}", role=role).json()


def until(service, job_id, *wanted):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        job = job_of(service, job_id)
        if job["status"] in wanted:
            return job
        time.sleep(0.05)
    raise TimeoutError(job)


def workers(parent=None):
    """The job processes below a process, this one by default."""
    found = []
    for process in psutil.Process(parent).children(recursive=True):
        try:
            if "api.jobs.worker" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def working(parent=None):
    """A job process, once there is one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = workers(parent)
        if found:
            return found[0]
        time.sleep(0.01)
    raise TimeoutError


def test_a_catalogue_is_kept_by_a_job_in_another_process(service, conforms_to):
    job_id = asked(service, "catalogue", {"file": "new.json"})
    waiting = job_of(service, job_id)
    assert (waiting["status"], waiting["missing"]) == ("waiting", ["new.json"])
    assert put(service, job_id, "other.json", b"").status_code == 404
    assert put(service, job_id, "new.json", content_of(ADDED).encode()).status_code == 200
    done = until(service, job_id, *ENDS)
    conforms_to(done, "JobAnswer")
    assert (done["status"], done["error"], done["progress"]) == ("done", None, 1)
    assert done["result"]["version"] == ADDED.version
    versions = service.ask("GET", "/v1/catalogues", role="auditor").json()["catalogues"]
    assert [c["version"] for c in versions[1:]] == [ADDED.version]
    assert put(service, job_id, "new.json", b"").status_code == 409
    file = service.ask("GET", f"/v1/jobs/{job_id}/files/new.json", role="auditor")
    assert file.content == content_of(ADDED).encode()
    assert file.headers["content-type"] == "application/octet-stream"


def test_a_job_that_fails_says_why_in_the_language_asked_and_keeps_nothing(service, conforms_to):
    table = b"id,lane\np-1,nowhere\n"
    job_id = asked(service, "catalogue", {"file": "products.csv"}, {"products.csv": table})
    failed = until(service, job_id, *ENDS)
    conforms_to(failed, "JobAnswer")
    assert (failed["status"], failed["error"]["code"]) == ("failed", "invalid_catalogue")
    cells = [
        (e["row"], e["column"])
        for e in failed["error"]["errors"]
        if e["field"] == "products[p-1].lane"
    ]
    zh = service.ask("GET", f"/v1/jobs/{job_id}", role="admin", **{"Accept-Language": "zh"}).json()
    assert zh["error"]["detail"] != failed["error"]["detail"]
    assert len(service.ask("GET", "/v1/catalogues", role="auditor").json()["catalogues"]) == 1
    assert cells or failed["error"]["errors"]


def test_a_worker_that_is_killed_is_replaced_and_three_times_are_enough(service, few):
    job_id = asked(service, "train", TRAIN, few)
    working().kill()
    done = until(service, job_id, *ENDS)
    assert (done["status"], done["attempts"]) == ("done", 2)
    assert done["result"]["fallback"] == "too_few"
    job_id = asked(service, "train", TRAIN, few)
    killed = set()
    while len(killed) < 3:
        process = working()
        if process.pid not in killed:
            killed.add(process.pid)
            process.kill()
    failed = until(service, job_id, *ENDS)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "job_abandoned")


def test_a_job_is_cancelled_while_it_runs_and_leaves_nothing(service, few):
    job_id = asked(service, "train", TRAIN, few)
    process = working()
    asked_for = time.monotonic()
    cancelled = service.ask("POST", f"/v1/jobs/{job_id}/cancel", role="analyst")
    assert cancelled.status_code == 200
    assert until(service, job_id, *ENDS)["status"] == "cancelled"
    process.wait(PATIENCE)
    assert time.monotonic() - asked_for < PATIENCE / 4
    assert service.ask("POST", f"/v1/jobs/{job_id}/cancel", role="analyst").status_code == 409
    assert service.ask("GET", "/v1/models", role="analyst").json()["models"] == []


def test_who_may_ask_for_which_job_and_see_it(idle):
    may = {
        "train": ("analyst", "admin"), "population": ("admin",), "plans": ("manager", "admin"),
    }  # fmt: skip
    for kind, roles in may.items():
        parameters = TRAIN if kind == "train" else {}
        for role in ROLES:
            body = {"kind": kind, "parameters": parameters}
            status = idle.ask("POST", "/v1/jobs", body, role=role).status_code
            assert status == (201 if role in roles else 403), (kind, role)
    job_id = asked(idle, "train", TRAIN)
    for method, path in (
        ("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("GET", "/files/outcomes.csv"),
    ):  # fmt: skip
        whole = f"/v1/jobs/{job_id}{path}"
        assert idle.ask(method, whole, role="admin", bank="bank-b").status_code == 404
        assert idle.ask(method, whole, role="enterprise").status_code == 403
        assert idle.ask(method, whole, role="manager").status_code == 404
    assert put(idle, job_id, "outcomes.csv", b"", "admin", "bank-b").status_code == 404
    assert idle.ask("POST", f"/v1/jobs/{job_id}/cancel", role="auditor").status_code == 403
    shown = idle.ask("GET", "/v1/jobs", role="manager").json()["jobs"]
    assert {j["kind"] for j in shown} == {"plans"}
    assert len(idle.ask("GET", "/v1/jobs", role="auditor").json()["jobs"]) == 6


@pytest.mark.parametrize("body", [
    {}, {"kind": "sweep"}, {"kind": "evaluate"},
    {"kind": "train", "parameters": {"outcomes": "../x"}},
    {"kind": "train", "parameters": {"outcomes": "a.csv", "companies": "a.csv"}},
    {"kind": "evaluate", "parameters": {"outcomes": "a.csv"}},
    {"kind": "population", "parameters": {"more": 1}},
])  # fmt: skip
def test_a_job_that_cannot_be_done_is_refused_with_the_field(idle, body):
    answer = idle.ask("POST", "/v1/jobs", body, role="admin")
    assert answer.status_code == 422
    assert all(error["field"] for error in answer.json()["errors"])


def test_a_model_is_learned_measured_and_promoted(on_sqlite, outcomes):
    service = on_sqlite
    trained = until(service, asked(service, "train", TRAIN, outcomes), *ENDS)
    assert trained["status"] == "done", trained
    version = trained["result"]["version"]
    names = {file["name"] for file in trained["files"]}
    assert names >= {"card.en.md", "card.zh.html", "run.json"}
    model = service.ask("GET", f"/v1/models/{version}", role="analyst").json()
    assert (model["kind"], model["synthetic"], model["serving"]) == ("trained", True, False)
    assert all(model["card"].values())
    assert service.ask("GET", "/v1/models", role="analyst").json()["steps"] == []
    wish = {"model": version, "reason": "a rehearsal"}
    refused = until(service, asked(service, "promote", wish), *ENDS)
    assert refused["error"]["code"] == "model_refused"
    assert any("made-up" in error["message"] for error in refused["error"]["errors"])
    wish = {**wish, "despite": True}
    done = until(service, asked(service, "promote", wish), *ENDS)
    assert done["result"]["step"]["model"] == version
    steps = service.ask("GET", "/v1/models", role="auditor").json()["steps"]
    assert [(s["who"], s["why"]) for s in steps] == [("analyst@bank-a", "a rehearsal")]
    measured = until(
        service, asked(service, "evaluate", {**TRAIN, "model": version}, outcomes), *ENDS
    )
    assert measured["result"]["evaluation"]["measures"]["model"]


def add_companies(service):
    """Two companies of the north, one of the south; one of the north did not consent."""
    profile = json.dumps({"trade": {"directions": ["export"], "stage": "post_shipment"}})
    user = service.people.ids["bank-a", "admin"]

    def work(write):
        for company_id, branch, agreed in (
            ("c-1", "north", True), ("c-2", "north", False), ("c-3", "south", True),
        ):  # fmt: skip
            own = {"organisation_id": "bank-a"}
            times = {"created_at": write.at, "updated_at": write.at}
            row = {**own, "id": company_id, "version": 1, "branch_id": branch, "synthetic": True}
            write.execute(sa.insert(companies), {**row, **times})
            told = {**json.loads(profile), "id": company_id, "synthetic": True}
            version = {"company_id": company_id, "version": 1, "sources": "{}", "user_id": user}
            values = {**own, **version, "profile": json.dumps(told), "at": write.at}
            write.execute(sa.insert(company_versions), values)
            if agreed:
                given = {"id": company_id, "company_id": company_id, "purpose": "matching"}
                values = {**own, **given, "user_id": user, "given_at": write.at}
                write.execute(sa.insert(consents), values)

    service.store.write(work)


def test_plans_are_made_for_the_companies_that_the_manager_sees(on_sqlite):
    service = on_sqlite
    add_companies(service)
    job_id = asked(service, "plans", {"options": {"language": "en"}}, role="manager")
    done = until(service, job_id, *ENDS)
    assert (done["status"], done["result"]["companies"]) == ("done", 1), done
    file = service.ask("GET", f"/v1/jobs/{job_id}/files/plans.jsonl", role="manager")
    lines = [json.loads(line) for line in file.text.splitlines()]
    assert [line["company_id"] for line in lines] == ["c-1"]
    assert lines[0]["plan"]["language"] == "en"
    bad = asked(service, "plans", {"options": {"only": ["no-such-product"]}}, role="manager")
    assert until(service, bad, *ENDS)["error"]["errors"]


def test_a_population_is_built_of_those_that_consented_by_branch(on_sqlite, tmp_path):
    service = on_sqlite
    add_companies(service)
    job_id = asked(service, "population", role="admin")
    done = until(service, job_id, *ENDS)
    assert (done["status"], done["result"]["companies"], done["result"]["branches"]) == (
        "done", 2, 2
    ), done  # fmt: skip
    folder = tmp_path / "record" / "populations" / "bank-a" / job_id
    counts = {path.name: Population.open(path).companies for path in folder.iterdir()}
    assert counts == {"whole": 2, "branch-north": 1, "branch-south": 1}
    end = time.monotonic() + PATIENCE  # the process ends just after its job
    while list((tmp_path / "record" / "jobs").iterdir()):
        assert time.monotonic() < end
        time.sleep(0.05)


def stream(address, job_id, header):
    """Events of a job over a real connection, to the end of the stream."""
    found = []
    with httpx.stream(
        "GET", f"{address}/v1/jobs/{job_id}/events", headers=header, timeout=PATIENCE
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = None
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                found.append((name, json.loads(line[6:])))
    return found


@pytest.fixture
def begun(start, database_url):
    """Start real servers on a database with its people."""
    store = Store(database_url)
    maintenance.ready(store.database)
    people = peopled(store)
    flags = ("--store", database_url)
    yield lambda: start(*flags, CORRIDOR_JOB_PATIENCE="2", CORRIDOR_IDENTITY="on"), people, store
    store.close()


def test_a_job_outlives_a_server_that_is_killed_and_is_watched_to_its_end(begun, few):
    serve, people, store = begun
    header = people.header("analyst")
    first = serve()
    at = first.address
    made = httpx.post(f"{at}/v1/jobs", json={"kind": "train", "parameters": TRAIN}, headers=header)
    job_id = made.json()["id"]
    for name in TRAIN.values():
        httpx.put(f"{at}/v1/jobs/{job_id}/files/{name}", content=few[name], headers=header)
    process = working(first.process.pid)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    process.wait(PATIENCE)  # the worker ends with its server
    second = serve()
    found = stream(second.address, job_id, header)
    assert found[-1][0] == "end"
    assert {name for name, _ in found[:-1]} <= {"progress"}
    assert (found[-1][1]["status"], found[-1][1]["attempts"]) == ("done", 2)
    assert stream(second.address, job_id, header) == found[-1:]  # connecting again
    assert store.read(lambda c: c.execute(sa.select(registry_files)).first()) is None
    assert second.stop() == 0
