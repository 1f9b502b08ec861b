"""The files under deploy/: what a tool can check is checked by it, the rest by hand."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.settings import PREFIX, Settings

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = [*sorted(path.name for path in DEPLOY.glob("*.service")), "corridor-backup.timer"]
DIRECTIVE = re.compile(r"[A-Z][A-Za-z]+=.*")


def test_the_settings_are_ours_and_can_be_read():
    lines = (DEPLOY / "corridor.env").read_text("utf-8").splitlines()
    shown = [line.removeprefix("# ") for line in lines if "=" in line and PREFIX in line]
    environ = dict(line.split("=", 1) for line in shown)
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert environ
    assert set(environ) <= known
    settings = Settings.read(environ)
    assert settings.oidc_audience == "corridor"
    assert settings.trusted_proxies == ("127.0.0.1",)


@pytest.mark.parametrize("name", UNITS)
def test_units_have_sections_and_directives_alone(name):
    section = ""
    for line in (DEPLOY / name).read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line
            continue
        assert section in ("[Unit]", "[Service]", "[Timer]", "[Install]"), line
        assert DIRECTIVE.fullmatch(line), line


def test_systemd_finds_nothing_wrong(tmp_path):
    """Where systemd is: its own reading of copies whose program and user are there."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        return  # the test above has read them
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8")
        text = text.replace("/opt/corridor/.venv/bin/corridor", "/bin/true")
        text = re.sub(r"(?m)^(User|Group)=.*", r"\1=root", text)
        text = re.sub(r"(?m)^EnvironmentFile=.*\n", "", text)
        (tmp_path / name.replace("@", "@8001")).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run([tool, "verify", *units], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "corridor" in line]
    assert said == []


def test_the_grace_fits_into_the_time_that_systemd_gives():
    from api.commands.supervising import MARGIN_SECONDS

    unit = (DEPLOY / "corridor@.service").read_text("utf-8")
    given = int(re.search(r"TimeoutStopSec=(\d+)", unit)[1])
    assert given > Settings().grace + MARGIN_SECONDS


def nginx():
    """The lines of the proxy's file without comments."""
    lines = (DEPLOY / "nginx.conf").read_text("utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def test_the_proxy_is_of_blocks_and_directives():
    depth = 0
    for line in nginx():
        depth += line.count("{") - line.count("}")
        assert depth >= 0
        assert line.endswith((";", "{", "}")), line
    assert depth == 0


def test_nginx_finds_nothing_wrong(tmp_path):
    """Where nginx is: its own reading, without the certificate."""
    tool = shutil.which("nginx")
    if tool is None:
        return  # the test above has read it
    text = "\n".join(line for line in nginx() if not line.startswith("ssl_certificate"))
    text = text.replace("listen 443 ssl", "listen 8443")
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/pid; events {{}} http {{ {text} }}")
    done = subprocess.run([tool, "-t", "-c", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_proxy_replaces_what_clients_say_and_hides_the_metrics():
    lines = nginx()
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in lines
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in lines
    assert lines[lines.index("location = /metrics {") + 1] == "return 404;"
