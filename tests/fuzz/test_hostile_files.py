"""Files made to harm: each is refused in words, within bounded memory and time.

All of them are read in one process that may take two gigabytes, and twenty seconds of a processor
for each file.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
MEMORY, SECONDS = 2 << 30, 20
# What reads each kind of file; a generator is read to its end.
READING = (
    """
import gc, json, resource, signal, sys, time
from pathlib import Path
import pyarrow
from api.store.import_rows import checked
from recommender import Catalogue, Company
from recommender.errors import CorridorError, InvalidInput
from recommender.outcomes.table import read_outcomes
from recommender.population.company_files import read_companies
from recommender.texts import error_text

FACTS = Catalogue.load().facts
MOST = 1000

def companies(path):
    refused = 0
    for number, read in enumerate(read_companies(path, FACTS)):
        refused += getattr(checked(read), "problems", None) is not None
        if refused >= MOST:
            return
    if refused:
        raise InvalidInput([])

READERS = {"catalogue": Catalogue.load, "outcomes": read_outcomes, "companies": companies,
           "profile": Company.load}

def late(*_):
    raise TimeoutError

signal.signal(signal.SIGPROF, late)
resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
for name in sys.argv[1:]:
    path = Path(name)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    start = time.process_time()
    try:
        READERS[path.parent.name](path)
        said = "accepted"
    except InvalidInput as error:
        said = f"problems: {len(error.problems)}"
    except CorridorError as error:
        said = error_text(error, "en")
    except BaseException as error:
        said = f"FAILED {type(error).__name__}: {str(error)[:200]}"
    signal.setitimer(signal.ITIMER_PROF, 0)
    gc.collect()
    print(json.dumps([f"{path.parent.name}/{path.name}", said, time.process_time() - start]))
""".replace("MEMORY,", f"{MEMORY},")
    .replace("MEMORY)", f"{MEMORY})")
    .replace("SECONDS)", f"{SECONDS})")
)

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = f"""<?xml version="1.0"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>
</Types>"""
RELATIONS = f"""<?xml version="1.0"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="{OFFICE}/{{kind}}" Target="{{target}}"/>
</Relationships>"""
BOOK = """<?xml version="1.0"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="products" sheetId="1" r:id="rId1"/></sheets></workbook>"""
SHEET = """<?xml version="1.0"?>{before}
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
{dimension}<sheetData>{rows}</sheetData></worksheet>"""
CELL = '<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number, *cells):
    inner = "".join(CELL.format(place=place, text=text) for place, text in cells)
    return f'<row r="{number}">{inner}</row>'


def workbook(rows, dimension="", before=""):
    """A workbook by hand; rows: text, or parts of it that are written one after another."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("[Content_Types].xml", TYPES)
        packed.writestr(
            "_rels/.rels", RELATIONS.format(kind="officeDocument", target="xl/workbook.xml")
        )
        packed.writestr("xl/workbook.xml", BOOK)
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            RELATIONS.format(kind="worksheet", target="worksheets/sheet1.xml"),
        )
        head, tail = SHEET.format(before=before, dimension=dimension, rows="|").split("|")
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(head.encode())
            for part in [rows] if isinstance(rows, str) else rows:
                sheet.write(part.encode())
            sheet.write(tail.encode())
    return made.getvalue()


HEAD = row(1, ("A1", "id"), ("B1", "name_zh"))
LAUGHS = (
    "<!DOCTYPE w [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]>"
)
OUTSIDE = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def repeated_list(path, values):
    """A million and more numbers in a cell, which Parquet keeps in a few bytes."""
    column = pa.ListArray.from_arrays([0, values], pa.repeat(pa.scalar(1, pa.int8()), values))
    pq.write_table(pa.table({"id": ["a"], "trade.hs": column}), path, compression="zstd")


def repeated_rows(path, rows):
    table = pa.table(
        {"id": pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), ["a"])}
    )
    pq.write_table(table, path, compression="zstd")


def many_names(count):
    return "".join(f"<row r='{n}'/>" for n in range(1, count))


def files(folder):
    """Hostile files by the name of what reads them."""
    wide = (row(n, (f"A{n}", "x"), (f"XFD{n}", "y")) for n in range(2, 40_000))
    shared = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))
    bomb = "a0: &a0 [x, x]\n" + shared
    books = {
        "dimension.xlsx": workbook(HEAD + row(2, ("A2", "=1")), '<dimension ref="A1:XFD1048576"/>'),
        "wide.xlsx": workbook([HEAD, *wide]),
        "last_row.xlsx": workbook(HEAD + row(99_999_999_999, ("A99999999999", "x"))),
        "far_column.xlsx": workbook(HEAD + '<row r="2"><c r="ZZZZZZZ2"><v>1</v></c></row>'),
        "unpacks.xlsx": workbook([HEAD, *(" " * (1 << 26) for _ in range(36))]),
        "entities.xlsx": workbook(HEAD + row(2, ("A2", "&a11;")), before=LAUGHS),
        "outside.xlsx": workbook(HEAD + row(2, ("A2", "&x;")), before=OUTSIDE),
        "deep.xlsx": workbook("<a>" * 200_000),
    }
    for kind in ("catalogue", "outcomes", "companies"):
        (folder / kind).mkdir()
        for name, content in books.items():
            (folder / kind / name).write_bytes(content)
    (folder / "profile").mkdir()
    documents = {
        "deep.json": "[" * 500_000,
        "deep_records.json": '{"trade":' * 100_000,
        "digits.json": '{"staff": ' + "9" * 5_000_000 + "}",
        "digits_of_a_fraction.json": '{"need": {"amount": 1' + "0" * 4_000_000 + ".5}}",
        "twice.json": '{"staff": 1, "staff": 2}',
        "deep.yaml": "[" * 500_000,
        "aliases.yaml": bomb,
        "itself.yaml": "trade: &a {hs: [*a]}",
        "merged.yaml": "a: &a {x: 1}\nb: {<<: *a}",
        "exponent.yaml": "staff: 1e999999999",
        "sixty.yaml": "staff: " + "1:" * 100_000 + "1",
        "object.yaml": "!!python/object/apply:os.system ['true']",
        "nul.json": '{"name_zh": "a\\u0000b"}',
        "bytes.yaml": "\x00\x01",
    }
    for kind in ("catalogue", "profile"):
        for name, text in documents.items():
            (folder / kind / name).write_text(text, "utf-8")
    lines = {
        "deep.jsonl": "[" * 900_000 + "\n" + '{"a":' * 200_000 + "\n",
        "long.jsonl": '{"id": "' + "x" * 50_000_000,
        "numbers.jsonl": '{"id": "a", "staff": '
        + "9" * 500_000
        + "}\n"
        + '{"id": "b", "staff": 1e400}\n',
        "quote.csv": 'id,name_zh\n"' + "x" * 20_000_000,
        "columns.csv": ",".join(f"c{n}" for n in range(300_000)) + "\n",
        "cells.csv": "id\n" + "," * 5_000_000 + "x\n",
    }
    for name, text in lines.items():
        (folder / "companies" / name).write_text(text, "utf-8")
    (folder / "outcomes" / "quote.csv").write_text(lines["quote.csv"], "utf-8")
    (folder / "outcomes" / "columns.csv").write_text(lines["columns.csv"], "utf-8")
    for kind in ("outcomes", "companies"):
        repeated_list(folder / kind / "list.parquet", 50_000_000)
        repeated_rows(folder / kind / "rows.parquet", 50_000_000)
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(
    scope="module",
    params=["as installed", pytest.param("bare", marks=pytest.mark.soak)],
)
def told(request, tmp_path_factory):
    """What was said to each file. bare: with the XML of Python alone, as users may have it."""
    paths = files(tmp_path_factory.mktemp("hostile"))
    bare = {"OPENPYXL_LXML": "False", "OPENPYXL_DEFUSEDXML": "False"}
    done = subprocess.run(
        [sys.executable, "-c", READING, *map(str, paths)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(bare if request.param == "bare" else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = {name: said for name, said, _ in map(json.loads, done.stdout.splitlines())}
    assert len(found) == len(paths)
    return found


def test_every_hostile_file_is_refused_in_words(told):
    failed = [f"{name}: {said}" for name, said in told.items() if said.startswith("FAILED")]
    assert not failed, "\n".join(failed)
    accepted = {name for name, said in told.items() if said == "accepted"}
    # Rows that cannot exist and columns without a name are none; what is left of these is right.
    assert accepted <= {"companies/last_row.xlsx", "companies/wide.xlsx"}, accepted


def test_nothing_outside_of_a_file_is_read(told):
    assert not any("root:" in said for said in told.values())


def test_a_workbook_that_unpacks_to_gigabytes_is_called_that(told):
    for kind in ("catalogue", "outcomes", "companies"):
        assert "unpack" in told[f"{kind}/unpacks.xlsx"].lower(), told[f"{kind}/unpacks.xlsx"]
