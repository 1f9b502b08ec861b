"""The rules of the house that no linter knows; each test is one sentence of CONTRIBUTING.md."""

import ast
import doctest
import importlib
import json
import os
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from recommender.tables import read_document
from recommender.texts import LANGUAGES, table

ROOT = Path(__file__).parent.parent
# Migrations are written by Alembic and run by it alone.
SOURCES = sorted(
    path
    for name in ("recommender", "api")
    for path in (ROOT / name).rglob("*.py")
    if "migrations" not in path.parts
)
LINES_PER_FILE = 400
NOT_OURS = {
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
}
HEAVY = {"numba", "pandas", "pyarrow", "pyspark", "scipy", "sklearn"}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def own_texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project, whether or not it is under version control."""
    for folder, below, names in os.walk(ROOT):
        below[:] = sorted(set(below) - NOT_OURS)
        for path in (Path(folder) / name for name in sorted(set(names) - NOT_OURS)):
            try:
                yield path, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def run_python(code: str) -> str:
    """What a fresh interpreter prints; `main` of a test process may have imported anything."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- sentences -----------------------------------------------------------------------------------


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_every_sentence_exists_in_both_languages_with_the_same_placeholders():
    wrong = [
        key
        for key, pair in table().items()
        if not all(half.strip() for half in pair) or placeholders(pair.zh) != placeholders(pair.en)
    ]
    assert wrong == []


def test_every_placeholder_is_a_plain_name():
    names = {
        (key, name) for key, pair in table().items() for half in pair for name in placeholders(half)
    }
    assert sorted(n for n in names if not n[1].isidentifier()) == []


def test_every_text_file_is_read_and_names_both_languages():
    files = sorted((ROOT / "data" / "texts").glob("*.yaml"))
    assert files
    assert all(isinstance(read_document(path), dict) for path in files)
    assert LANGUAGES == ("zh", "en")


def problem_codes(tree: ast.AST) -> Iterator[str]:
    """First argument of `Problem(...)` or `problem(...)`, and `code = "..."` of every class."""
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.Call) and called(node) in {"Problem", "problem"}:
            found = [
                *node.args[:1],
                *(given.value for given in node.keywords if given.arg == "code"),
            ]
        elif isinstance(node, ast.ClassDef):
            lines = [line for line in node.body if isinstance(line, ast.Assign)]
            found = [line.value for line in lines if getattr(line.targets[0], "id", "") == "code"]
        yield from (
            c.value for c in found if isinstance(c, ast.Constant) and isinstance(c.value, str)
        )


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def test_every_problem_code_has_its_sentence():
    used = {
        (code, place(path))
        for path in SOURCES
        for code in problem_codes(ast.parse(path.read_text("utf-8")))
    }
    assert used
    assert sorted((code, path) for code, path in used if f"error.{code}" not in table()) == []


# --- code ----------------------------------------------------------------------------------------


def test_no_file_is_longer_than_people_read():
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > LINES_PER_FILE} == {}


def test_no_input_is_checked_by_assert():
    found = [
        f"{place(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_every_lint_exception_has_its_reason_beside_it():
    exception = re.compile(r"#\s*noqa\b(?::[\sA-Z0-9,]*)?(?P<reason>.*)")
    bare = [
        f"{place(path)}:{number}"
        for path in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if (found := exception.search(line)) and len(found["reason"].strip(" -")) < 5
    ]
    assert bare == []


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_every_example_in_a_docstring_is_true(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(name), optionflags=flags).failed == 0


def test_importing_a_module_reads_no_data():
    opened = run_python(
        """
import importlib, pkgutil, sys
from pathlib import Path

data, opened = str(Path("data").resolve()), set()

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(data):
        opened.add(arguments[0])

sys.addaudithook(watch)
import api, recommender
for package in (recommender, api):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(sorted(opened))
"""
    )
    assert opened.strip() == "[]"


def test_the_serving_process_stays_light():
    loaded = run_python(
        """
import json, sys
from starlette.testclient import TestClient
from api.app import create_app
from api.settings import Settings

with TestClient(create_app(Settings(identity="off"))) as client:
    answer = client.post("/v1/recommendations", json={"company": {}})
print(json.dumps([answer.status_code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
    )
    status, modules = json.loads(loaded)
    assert status == 200
    assert HEAVY & set(modules) == set()


# --- data and documents --------------------------------------------------------------------------


def described(path: Path) -> bool:
    """Whether a README of its own folder, or of one above it inside data/, names the file."""
    folders = [folder for folder in path.parents if folder.is_relative_to(ROOT / "data")]
    readmes = [folder / "README.md" for folder in folders if (folder / "README.md").exists()]
    wanted = re.compile(rf"(?<![\w.-]){re.escape(path.name)}(?![\w-])")
    return any(wanted.search(readme.read_text("utf-8")) for readme in readmes)


def test_every_data_file_is_described():
    folders = ("reference", "parameters", "catalogue", "benchmarks")
    files = [
        path
        for name in folders
        for path in sorted((ROOT / "data" / name).rglob("*"))
        if path.is_file()
    ]
    assert files
    assert [place(path) for path in files if path.name != "README.md" and not described(path)] == []


def test_no_text_names_a_place_on_one_machine():
    home = re.compile(r"(?<![\w.:/-])/(?:home|root|Users|work)/\w")
    found = [
        f"{place(path)}:{number}"
        for path, text in own_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if home.search(line)
    ]
    assert found == []


def test_decisions_are_numbered_listed_and_of_one_form():
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text("utf-8")
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text("utf-8")
        headings = ["# ", "## Context", "## Decision", "## Consequences", "## Enforced by"]
        starts = [re.search(rf"^{heading}", text, re.MULTILINE) for heading in headings]
        assert all(starts), page.name
        assert all(a.start() < b.start() for a, b in pairwise(starts)), page.name
        assert f"({page.name})" in index, page.name


# --- the tests themselves ------------------------------------------------------------------------

UNEVEN = """
import pytest

def test_passes(): pass

@pytest.mark.skip(reason="no browser here")
def test_skips(): pass

@pytest.mark.xfail(reason="known bug")
def test_fails_as_expected(): raise ValueError
"""


@pytest.mark.parametrize(("no_skips", "code"), [("0", 0), ("1", 1)])
def test_a_skip_is_a_failure_where_everything_must_run(tmp_path, no_skips, code):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_uneven.py").write_text(UNEVEN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CORRIDOR_NO_SKIPS": no_skips},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    if no_skips == "1":
        assert "test_skips did not run to a pass" in done.stdout
        assert "no browser here" in done.stdout
        assert "known bug" in done.stdout
        assert "test_fails_as_expected did not run to a pass" in done.stdout


def test_a_skipped_file_is_a_failure_too(tmp_path):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_gone.py").write_text(
        "import pytest\npytest.importorskip('no_such_library')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CORRIDOR_NO_SKIPS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no_such_library" in done.stdout
