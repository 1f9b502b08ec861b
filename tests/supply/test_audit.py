"""The audit says how much it looked at, and is never clean without having looked."""

import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from supply.audit import CLEAN, FAULTS, NOT_LOOKED_UP, audited
from supply.lock import LOCKS, pins

LOCK = """# made here
numpy==2.4.0 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""
FAULT = {
    "id": "PYSEC-2026-1",
    "modified": "2026-11-01T00:00:00Z",
    "summary": "bad",
    "affected": [
        {
            "package": {"name": "numpy", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.4.1"}]},
            ],
        }
    ],
}


@contextmanager
def index(answer):
    """A server that answers as an index of known faults does. answer: status and body by name."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((query["package"]["name"], query["version"]))
            status, body = answer(query["package"]["name"])
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK, "utf-8")
    return path


def audit(lock, monkeypatch, answer):
    out = io.StringIO()
    with index(answer) as (url, asked):
        monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", url)
        return audited([lock], out), out.getvalue(), asked


def test_it_looks_at_every_package_also_those_of_other_systems(lock, monkeypatch):
    code, said, asked = audit(lock, monkeypatch, lambda _: (200, {}))
    assert code == CLEAN
    assert sorted(asked) == [("colorama", "0.4.6"), ("numpy", "2.4.0")]
    assert "Looked up: 2 of 2 locked packages" in said
    assert "Known faults: 0" in said


def test_a_known_fault_is_named_with_what_mends_it(lock, monkeypatch):
    faults = {"numpy": {"vulns": [FAULT]}}
    code, said, _ = audit(lock, monkeypatch, lambda name: (200, faults.get(name, {})))
    assert code == FAULTS
    assert "numpy 2.4.0: PYSEC-2026-1, mended in 2.4.1" in said


def test_an_index_that_fails_is_no_clean_audit(lock, monkeypatch):
    code, said, asked = audit(lock, monkeypatch, lambda _: (500, {}))
    assert asked
    assert code == NOT_LOOKED_UP
    assert "not complete" in said


def test_an_index_out_of_reach_is_no_clean_audit(lock, monkeypatch):
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:9/v1/query")
    out = io.StringIO()
    assert audited([lock], out) == NOT_LOOKED_UP
    assert "Looked up: 0 of 2 locked packages" in out.getvalue()


def test_a_lock_that_names_nothing_is_no_clean_audit(tmp_path):
    (tmp_path / "empty.lock").write_text("# nothing\n", "utf-8")
    out = io.StringIO()
    assert audited([tmp_path / "empty.lock"], out) == NOT_LOOKED_UP
    assert "0 of 0" in out.getvalue()


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_line_of_a_lock_that_pins_is_read(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if line[:1].isalnum()]
    assert len(pins(path)) == len(lines) > 2
