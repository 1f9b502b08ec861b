"""Every notebook runs from top to bottom on the packaged data, and defines nothing of its own."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 120


def read(path):
    return nbformat.read(path, as_version=4)


def sources(path):
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


def test_there_are_notebooks_and_they_are_numbered():
    assert NOTEBOOKS
    numbers = [int(path.name[:2]) for path in NOTEBOOKS]
    assert numbers == sorted(set(numbers))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    places = {"metadata": {"path": str(tmp_path)}}
    done = NotebookClient(
        read(path), timeout=SECONDS, kernel_name="python3", resources=places
    ).execute()
    shown = [cell.outputs for cell in done.cells if cell.cell_type == "code" and cell.outputs]
    assert shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_nothing_and_keeps_no_output(path):
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    trees = [ast.parse(source) for source in sources(path)]
    assert not [node for tree in trees for node in ast.walk(tree) if isinstance(node, defined)]
    for cell in read(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
