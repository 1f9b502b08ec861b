"""What is shipped: the wheel holds code, data and licence; the lock holds hashes and no place."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def build(kind, source, target):
    """Build with hatchling as it is installed here, so that nothing is fetched."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return next(target.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


def shipped(folder, prefix):
    """Where the wheel has to hold each file of a folder of the checkout."""
    return {
        prefix + path.relative_to(ROOT / folder).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [("recommender", "recommender/"), ("api", "api/"), ("data", "recommender/_data/")],
)
def test_the_wheel_holds_every_file(wheel, folder, prefix):
    expected = shipped(folder, prefix)
    assert expected
    assert expected - set(wheel.namelist()) == set()


def test_the_wheel_holds_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"recommender", "api", f"corridor_match-{PROJECT['version']}.dist-info"}


def test_the_wheel_carries_types_licence_and_command(wheel):
    info = f"corridor_match-{PROJECT['version']}.dist-info"
    names = set(wheel.namelist())
    assert {"recommender/py.typed", "api/py.typed", f"{info}/licenses/LICENSE"} <= names
    assert "corridor = api.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert "Apache License" in wheel.read(f"{info}/licenses/LICENSE").decode()


def test_the_installed_package_finds_its_own_data(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = "from recommender.tables import data_dir; print(data_dir())"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "recommender" / "_data"


def test_a_wheel_built_from_the_source_archive_is_the_same(wheel, tmp_path):
    archive = build("sdist", ROOT, tmp_path / "sdist")
    subprocess.run([sys.executable, "-m", "tarfile", "-e", archive, tmp_path], check=True)
    source = tmp_path / f"corridor_match-{PROJECT['version']}"
    with zipfile.ZipFile(build("wheel", source, tmp_path / "wheel")) as again:
        assert sorted(again.namelist()) == sorted(wheel.namelist())


LOCKS = ("requirements.lock", "requirements-spark.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_versions_and_hashes_and_no_place(name):
    lock = (ROOT / name).read_text("utf-8")
    assert re.findall(r"https?:|file:|--index|--extra-index|--find-links|@ |-e ", lock) == []
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*.*$", lock, re.MULTILINE)
    assert [pin for pin in pins if not re.match(r"[a-z0-9._-]+==\S+ .*\\$", pin)] == []
    assert lock.count(" \\\n    --hash=sha256:") >= len(pins)


def declared():
    extras = PROJECT["optional-dependencies"].values()
    return [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]


def test_every_dependency_is_locked():
    locked = [
        set(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in LOCKS
    ]
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in declared()}
    assert names - {name for lock in locked for name, _ in lock} == set()
    main, spark = (dict(sorted(lock)) for lock in locked)
    assert {n: v for n, v in spark.items() if n in main} == {n: main[n] for n in spark if n in main}
    assert spark.keys() - main.keys() == {"pyspark", "py4j"}


@pytest.mark.parametrize("requirement", declared())
def test_every_dependency_says_its_licence_and_reason(requirement):
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.strip().startswith(f'"{requirement}"'))
    assert re.search(r'",\s+# [A-Za-z][^;]+; \S.{10,}', line)
