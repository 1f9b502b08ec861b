"""`corridor doctor` says what to mend: each part made ill once."""

import json
import os
import time

import pytest

WELL = {
    "CORRIDOR_IDENTITY": "on",
    "CORRIDOR_TRUSTED_PROXIES": "127.0.0.1",
    "CORRIDOR_RATE": "50",
}


@pytest.fixture
def deployment(tmp_path, run, monkeypatch):
    """A record with a user and a backup; how to ask the doctor about it."""
    url, backups = f"sqlite:///{tmp_path / 'own' / 'a.db'}", tmp_path / "backups"
    backups.mkdir(mode=0o700)
    names = ("--name-zh", "示例", "--name-en", "Example")
    store = ("--store", url, "--language", "en")
    run("organisations", "add", "bank-a", "--kind", "bank", *names, *store)
    who = ("--organisation", "bank-a", "--role", "manager", "--name", "M")
    run("users", "add", "m@a", *who, *store)
    run("audit", "seal", *store)
    run("db", "backup", backups / "copy.db", *store)

    def ask(*arguments, **environ):
        for name, value in {
            **WELL,
            "CORRIDOR_STORE": url,
            "CORRIDOR_BACKUPS": str(backups),
            **environ,
        }.items():
            monkeypatch.setenv(name, value)
        code, out, _ = run("doctor", "--json", "--language", "en", *arguments)
        found = json.loads(out)
        assert found["well"] is (code == 0)
        return code, [(f["name"], f["state"], f["code"]) for f in found["findings"]]

    ask.folder, ask.backups = tmp_path / "own", backups
    return ask


def wrong(findings):
    return [f for f in findings if f[1] in ("fail", "warn")]


def test_a_deployment_in_order(deployment):
    code, findings = deployment()
    assert (code, wrong(findings)) == (0, [])
    assert {"store", "version", "clock", "seals", "backups", "disk"} <= {f[0] for f in findings}


@pytest.mark.parametrize(
    ("environ", "finding"),
    [
        ({"CORRIDOR_IDENTITY": "off"}, ("identity", "fail", "identity_off")),
        ({"CORRIDOR_HOST": "0.0.0.0"}, ("address", "warn", "address_open")),  # noqa: S104 - asked about
        ({"CORRIDOR_TRUSTED_PROXIES": ""}, ("proxies", "warn", "proxies_none")),
        ({"CORRIDOR_TRUSTED_PROXIES": "0.0.0.0/0"}, ("proxies", "fail", "proxies_all")),
        ({"CORRIDOR_RATE": "0"}, ("limits", "warn", "limits_off")),
        ({"CORRIDOR_PORT": "x"}, ("settings", "fail", "")),
        ({"CORRIDOR_BACKUPS": ""}, ("backups", "warn", "backups_unset")),
        ({"CORRIDOR_BACKUPS": "/nowhere"}, ("backups", "fail", "backups_none")),
        ({"CORRIDOR_MIN_DISK": str(1 << 50)}, ("disk", "fail", "disk_full")),
        ({"CORRIDOR_CASES": "cases"}, ("paths", "warn", "paths_default")),
        ({"CORRIDOR_CATALOGUE": "/nowhere.yaml"}, ("engine", "fail", "")),
        ({"CORRIDOR_WORKERS": "2"}, ("workers", "warn", "workers_sqlite")),
        (
            {"CORRIDOR_OIDC_ISSUER": "http://127.0.0.1:9", "CORRIDOR_OIDC_AUDIENCE": "a"},
            ("issuer", "fail", "issuer_gone"),
        ),
        (
            {"CORRIDOR_STORE": "postgresql://nobody@127.0.0.1:9/x"},
            ("store", "fail", "store_gone"),
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_wrong_is_found(deployment, environ, finding):
    code, findings = deployment(**environ)
    assert finding in findings
    assert code == (2 if finding[1] == "fail" else 0)


def test_old_backups_open_files_and_a_service_that_is_not_there(deployment):
    day_before = time.time() - 48 * 3600
    os.utime(deployment.backups / "copy.db", (day_before, day_before))
    deployment.folder.chmod(0o755)
    (deployment.folder / "a.db").chmod(0o644)
    _, findings = deployment("--url", "http://127.0.0.1:9")
    assert [name for name, state, _ in findings if state == "fail"] == [
        "backups",
        "permissions",
        "service",
    ]


def test_the_running_service_is_asked(deployment, served):
    _, findings = deployment("--url", served.address)
    assert ("service", "ok", "service_ok") in findings


def test_it_is_printed_in_both_languages(deployment, run):
    deployment()
    assert "Nothing has to be mended" in run("doctor", "--language", "en")[1]
    assert "没有需要修正的地方" in run("doctor", "--language", "zh")[1]
