"""What the tests of the doors share: the real application, its own description, a real process."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from databases import PostgreSQL
from starlette.testclient import TestClient

from api import examples
from api.app import create_app
from api.cli import main
from api.settings import Settings
from api.store import maintenance
from api.store.store import Store

ROOT = Path(__file__).parent.parent.parent
CORRIDOR = [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())"]
BARE = {"LANG", "LC_ALL", "LC_MESSAGES"}


@pytest.fixture(scope="session")
def client():
    """The application on the packaged catalogue; a failure inside is an answer too."""
    with TestClient(create_app(Settings(identity="off")), raise_server_exceptions=False) as session:
        yield session


@pytest.fixture(scope="session")
def document(client):
    return client.get("/openapi.json", headers={"Accept-Language": "en"}).json()


def closed(schema):
    """A schema that also refuses fields it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


@pytest.fixture(scope="session")
def conforms(document):
    """Check a value against a component of the published document, field by field."""
    components = closed(document["components"])

    def check(value, name):
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        validator = jsonschema.Draft202012Validator(schema)
        found = list(validator.iter_errors(value))
        assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []

    return check


@pytest.fixture
def request_body():
    """A new copy of the example request."""
    return {"company": dict(examples.EXPORTER), "options": {**examples.OPTIONS, "language": "en"}}


def environment(**more):
    """The environment without a locale or settings of whoever runs the tests; no identity."""
    kept = {k: v for k, v in os.environ.items() if k not in BARE and not k.startswith("CORRIDOR_")}
    # Nobody reads what servers of tests log while they run, and a full pipe would stop them.
    quiet = {"CORRIDOR_IDENTITY": "off", "CORRIDOR_LOG_LEVEL": "error"}
    return {**kept, "PYTHONIOENCODING": "utf-8", **quiet, **more}


@pytest.fixture
def corridor():
    """Run the command as a process of its own."""

    def run(*arguments, stdin=b"", **env):
        return subprocess.run(
            [*CORRIDOR, *map(str, arguments)],
            input=stdin,
            env=environment(**env),
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(examples.EXPORTER), "utf-8")
    return path


@pytest.fixture
def run(capsysbinary, monkeypatch):
    """Exit code, output and errors of a command run in this process."""
    for name in BARE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CORRIDOR_IDENTITY", "off")

    def inner(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return inner


@dataclass
class Served:
    """A running `corridor serve`. said: what it printed until it was ready."""

    process: subprocess.Popen
    said: list[str]

    @property
    def address(self):
        return self.said[0].split()[-1]

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])

    def stop(self, with_signal=signal.SIGTERM):
        """Exit code after a signal."""
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=20)


@pytest.fixture(scope="session")
def start():
    """Start servers on free ports; those still running at the end are stopped."""
    started = []

    def serve(*arguments, **env):
        process = subprocess.Popen(
            [*CORRIDOR, "serve", "--port", "0", "--language", "en", *arguments],
            env=environment(**env),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        said = [process.stdout.readline().rstrip("\n")]
        while said[-1] and not said[-1].startswith("Ctrl+C"):
            said.append(process.stdout.readline().rstrip("\n"))
        return Served(process, said)

    yield serve
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture(scope="session")
def served(start):
    return start()


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of this test process."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """A database with the tables of this version, one of each kind in turn."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql").made()
    return f"sqlite:///{tmp_path / 'corridor.db'}"


@pytest.fixture
def store(database_url):
    """An empty record on either database."""
    found = Store(database_url)
    maintenance.ready(found.database)
    yield found
    found.close()


@pytest.fixture(scope="session")
def conforms_to():
    """Check a value against a schema of the record, field by field."""
    from api.openapi import EVERY
    from api.schemas import components

    models = [m for o in EVERY for m in (o.request, o.answer) if m is not None]
    found = closed(components(dict.fromkeys(models)))

    def check(value, name):
        schema = {**found[name], "$defs": found}
        text = json.dumps(schema).replace("#/components/schemas/", "#/$defs/")
        errors = jsonschema.Draft202012Validator(json.loads(text)).iter_errors(value)
        assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []

    return check


@pytest.fixture(scope="session")
def conforms_record():
    """Check a value against a component as the document of a service with identity has it."""
    from api.descriptions import runs
    from api.schemas import components

    shapes = closed({"schemas": components(o.answer for o in runs.OPERATIONS)})

    def check(value, name):
        schema = {"$ref": f"#/components/schemas/{name}", "components": shapes}
        found = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
        assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []

    return check
