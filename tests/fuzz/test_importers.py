"""Files of every kind, damaged in every way: what comes of one is a report, or what it holds.

A good file is taken and a few of its bytes are cut off, changed, added or repeated; of a workbook
the bytes of a part inside, so that it is still a workbook.
"""

import io
import json
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from company_tables import flat, flat_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from populations import engine, profiles
from small_catalogue import load, small

from api.examples import EXPORTER
from api.store.import_rows import Checked, Refused, checked
from recommender import Catalogue, Company
from recommender.catalogue.files import write_catalogue
from recommender.company.profile import Company as Profile
from recommender.errors import CorridorError, InvalidInput, Problem
from recommender.outcomes.files import write_outcomes
from recommender.outcomes.table import read_outcomes
from recommender.population.company_files import read_companies
from recommender.texts import LANGUAGES, error_text, problem_text

FORMS = [pytest.param(25, id="short"), pytest.param(1_500, id="long", marks=pytest.mark.soak)]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["cut", "change", "add", "repeat", "take"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=6)
        | st.sampled_from([b"\x00", b"\xff", b'"', b"\n", b"&", b"-9"]),
    ),
    min_size=1,
    max_size=4,
)
PROFILES = list(profiles()[:3])
OUTCOMES = pd.DataFrame(
    {
        "event": ["e1", "e1", "e2"],
        "company": ["a", "a", "b"],
        "product": ["cor-cashflow", "exp-order", "cor-cashflow"],
        "position": [1, 2, 1],
        "outcome": ["taken", "declined", "refused_by_bank"],
        "date": ["2026-01-31"] * 3,
        "source": ["x"] * 3,
        "reason": [None, None, "other"],
        "snapshot": ["{}", "{}", '{"staff": 5}'],
    }
)


def damaged(content, changes):
    for how, share, given_bytes in changes:
        at = int(share * len(content))
        if how == "cut":
            content = content[:at]
        elif how == "change":
            content = content[:at] + given_bytes + content[at + len(given_bytes) :]
        elif how == "add":
            content = content[:at] + given_bytes + content[at:]
        elif how == "take":
            content = content[:at] + content[at + 7 :]
        else:
            content = content[:at] + content[max(0, at - 200) :]
    return content


def damaged_workbook(content, changes):
    """A workbook with damage in the largest part inside, packed again."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        sizes = {member.filename: member.file_size for member in old.infolist()}
        parts = sorted((n for n in sizes if "sheet" in n or "shared" in n), key=sizes.get)
        place = parts[-1 - int(changes[0][1] * min(2, len(parts)))]
        for name in sizes:
            raw = old.read(name)
            new.writestr(name, damaged(raw, changes) if name == place else raw)
    return made.getvalue()


def companies(path):
    for read in read_companies(path, engine().catalogue.facts):
        row = checked(read)
        assert isinstance(row, Checked | Refused)
        for problem in getattr(row, "problems", ()):
            assert all(problem_text(problem, language) for language in LANGUAGES)


def write_companies(path):
    table = {name: [flat(row).get(name) for row in PROFILES] for name in flat_table(PROFILES)}
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in PROFILES), "utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(table), path)
    elif path.suffix == ".xlsx":
        pd.DataFrame(table).to_excel(path, index=False)
    else:
        pd.DataFrame(table).to_csv(path, index=False)


def write_profile(path):
    path.write_text(json.dumps(EXPORTER, indent=1), "utf-8")


IMPORTERS = {
    "catalogue.yaml": (lambda p: write_catalogue(load(small()).document(), p), Catalogue.load),
    "catalogue.json": (lambda p: write_catalogue(load(small()).document(), p), Catalogue.load),
    "catalogue.xlsx": (lambda p: write_catalogue(load(small()).document(), p), Catalogue.load),
    "companies.jsonl": (write_companies, companies),
    "companies.csv": (write_companies, companies),
    "companies.xlsx": (write_companies, companies),
    "companies.parquet": (write_companies, companies),
    "outcomes.csv": (lambda p: write_outcomes(OUTCOMES, p), read_outcomes),
    "outcomes.xlsx": (lambda p: write_outcomes(OUTCOMES, p), read_outcomes),
    "outcomes.parquet": (lambda p: write_outcomes(OUTCOMES, p), read_outcomes),
    "profile.json": (write_profile, Company.load),
    "profile.yaml": (write_profile, Company.load),
}


def reported(read, path):
    """Read a file; whether it was refused, which has to be said in both languages."""
    try:
        read(path)
    except CorridorError as error:
        refusal = error
    else:
        return False
    if isinstance(refusal, InvalidInput):
        assert refusal.problems
        for problem in refusal.problems:
            assert all(problem_text(problem, language) for language in LANGUAGES)
    assert all(error_text(refusal, language) for language in LANGUAGES)
    return True


@pytest.mark.parametrize("count", FORMS)
@pytest.mark.parametrize("name", IMPORTERS)
def test_a_damaged_file_is_reported_and_never_thrown_at(tmp_path, name, count):
    write, read = IMPORTERS[name]
    path = tmp_path / name
    write(path)
    whole = path.read_bytes()
    assert reported(read, path) is False
    refused = []

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(changes=CHANGES, inside=st.booleans())
    def damage(changes, inside):
        packed = path.suffix == ".xlsx" and inside
        path.write_bytes((damaged_workbook if packed else damaged)(whole, changes))
        refused.append(reported(read, path))

    damage()
    # Rows of companies are refused one by one; every other file as a whole.
    assert any(refused) or name.startswith("companies")


@pytest.mark.parametrize("count", FORMS)
def test_a_folder_of_tables_is_reported(tmp_path, count):
    folder = tmp_path / "tables"
    write_catalogue(load(small()).document(), folder)
    whole = {path: path.read_bytes() for path in sorted(folder.iterdir())}

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(changes=CHANGES, place=st.sampled_from(sorted(whole)))
    def damage(changes, place):
        for path, content in whole.items():
            path.write_bytes(damaged(content, changes) if path == place else content)
        reported(Catalogue.load, folder)

    damage()


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=4)
    | st.dates()
    | st.decimals()
    | st.sampled_from(["CNY", "export", "2026-11-23", "8432", "\udc80", "1" * 400])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted(Profile.model_fields)) | st.text(max_size=4), inner
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("count", FORMS)
def test_any_values_at_all_are_a_profile_or_problems(count):
    @settings(max_examples=4 * count, suppress_health_check=list(HealthCheck))
    @given(raw=st.dictionaries(st.sampled_from(sorted(Profile.model_fields)), VALUES) | VALUES)
    def ask(raw):
        company, problems = Profile.examine(raw)
        assert company is not None or problems
        for problem in problems:
            assert isinstance(problem, Problem)
            assert all(problem_text(problem, language) for language in LANGUAGES)

    ask()
