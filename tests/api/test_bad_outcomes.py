"""Bad outcomes at the command: a clear word in both languages, and every model as it was."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from api.cli import main
from recommender import Catalogue
from recommender.catalogue.files import as_json
from recommender.outcomes.files import ENDINGS, write_outcomes
from recommender.registry.registry import Registry
from recommender.simulation import companies, write
from recommender.simulation.outcomes import outcomes
from recommender.texts import LANGUAGES

FIRMS = list(companies(110, 7, 0.2))
TABLE = outcomes(Catalogue.load(), FIRMS, 7)
EVENT = TABLE["event"].iloc[0]
FIRST = TABLE["event"] == EVENT
SECOND = TABLE.index[TABLE["position"] == 2][0]
DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))
from api.cli import main
sys.exit(main())
"""


def bytes_of(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with outcomes, their firms, and a registry in which a model serves."""
    folder = tmp_path_factory.mktemp("outcomes")
    write(FIRMS, folder / "firms.jsonl")
    write_outcomes(TABLE, folder / "outcomes.csv")
    given = ["--outcomes", str(folder / "outcomes.csv"), "--models", str(folder / "m")]
    assert main(["train", *given, "--language", "en"]) == 0
    registry = Registry(folder / "m")
    registry.promote(registry.versions()[0], "li", "first")
    return folder


@pytest.fixture(autouse=True)
def untouched(place):
    """No command of this module leaves a trace in the registry."""
    before = bytes_of(place / "m")
    yield
    assert bytes_of(place / "m") == before


@pytest.fixture
def train(place, capsys):
    """Exit code and words of training in both languages, from a table or a file."""

    def train(table, *flags, models=None, languages=LANGUAGES):
        path = table
        if isinstance(table, pd.DataFrame):
            path = place / "changed.csv"
            write_outcomes(table, path, force=True)
        said = {}
        given = ["--outcomes", path, "--companies", place / "firms.jsonl"]
        for language in languages:
            where = ["--models", models or place / "m", "--language", language]
            command = ["train", *map(str, [*given, *flags, *where])]
            code = main(command)
            printed = capsys.readouterr()
            assert "Traceback" not in printed.err
            said[language] = printed.out if code == 0 else printed.err
        return code, said

    return train


def refused(found, **words):
    code, said = found
    assert code == 2
    for language, word in words.items():
        assert word in said[language], said[language]


# --- rows that cannot be right -------------------------------------------------------------------

WRONG = {
    "unknown company": (
        TABLE.assign(company=TABLE["company"].where(~FIRST, "nobody")),
        {"en": "there is no profile of nobody", "zh": "没有 nobody 的资料"},
    ),
    "a day to come": (
        TABLE.assign(date=TABLE["date"].astype(str).where(~FIRST, "2999-01-01")),
        {"en": "2999-01-01 is later than today", "zh": "2999-01-01 晚于今天"},
    ),
    "a duplicate event": (
        pd.concat([TABLE, TABLE[FIRST]], ignore_index=True),
        {"en": "stands in this event more than once", "zh": "出现了不止一次"},
    ),
    "an event of two firms": (
        TABLE.assign(company=TABLE["company"].where(TABLE.index != SECOND, FIRMS[-1]["id"])),
        {"en": "is not what the first row of this event says", "zh": "与同一事件的第一行不一致"},
    ),
    "a column that gives the answer away": (
        TABLE.assign(approved_amount=1),
        {"en": "approved_amount: outcomes have no such column", "zh": "事后才知道"},
    ),
    "a column under a name nearly right": (
        TABLE.rename(columns={"outcome": "outcomes"}),
        {"en": "The column outcome is missing", "zh": "缺少列 outcome"},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_cannot_be_right_are_refused(train, name):
    table, words = WRONG[name]
    refused(train(table), **words)


def test_a_product_nobody_sells_is_named_with_its_row(train):
    odd = TABLE.assign(product=TABLE["product"].where(TABLE.index != 4, "exp-unheard"))
    found = train(odd)
    refused(found, en="the catalogue has no product exp-unheard", zh="没有产品 exp-unheard")
    assert "changed.csv:6:" in found[1]["en"]
    assert "--without-withdrawn" in found[1]["zh"]


# --- too little to learn from --------------------------------------------------------------------

LITTLE = {
    "ten rows": (TABLE.head(10), "too few outcomes", "可用的结果太少"),
    "no rows": (TABLE.head(0), "too few outcomes", "可用的结果太少"),
    "one class": (TABLE.assign(outcome="declined", reason=None), "Hardly any firm", "几乎没有企业"),
}


@pytest.mark.parametrize("name", LITTLE)
def test_too_little_gives_the_prior_and_says_so(train, name):
    table, en, zh = LITTLE[name]
    code, said = train(table)
    assert code == 0
    assert en in said["en"]
    assert zh in said["zh"]
    assert "to the last digit" in said["en"]


def test_firms_all_alike_teach_what_products_are(train, tmp_path):
    """A constant column, in its worst form: every column of every firm."""
    alike = {name: value for name, value in FIRMS[0].items() if name != "id"}
    write([{**alike, "id": firm["id"]} for firm in FIRMS], tmp_path / "firms.jsonl")
    flags = ["--companies", tmp_path / "firms.jsonl"]
    code, _ = train(TABLE, *flags, models=tmp_path / "m", languages=["en"])
    assert code == 0
    for version in Registry(tmp_path / "m").versions():
        weights = Registry(tmp_path / "m").load(version)
        assert all(abs(value) < 20 for value in weights.weights.values())


# --- a catalogue that has moved on ---------------------------------------------------------------


@pytest.fixture(scope="module")
def smaller(tmp_path_factory):
    """The packaged catalogue without a product that was shown often and that no other names."""
    document = Catalogue.load().document()
    said = json.dumps([product.get("relations") for product in document["products"]], default=str)
    often = TABLE["product"].value_counts().index
    gone = next(name for name in often if f'"{name}"' not in said)
    document["products"] = [one for one in document["products"] if one["id"] != gone]
    path = tmp_path_factory.mktemp("catalogue") / "c.json"
    path.write_text(as_json(document), "utf-8")
    return gone, path


def test_outcomes_of_a_withdrawn_product_need_a_word(train, smaller):
    gone, path = smaller
    refused(train(TABLE, "--catalogue", path), en=f"no product {gone}", zh="--without-withdrawn")


def test_outcomes_of_a_withdrawn_product_can_be_left_out(train, smaller, tmp_path):
    gone, path = smaller
    flags = ["--catalogue", path, "--without-withdrawn"]
    code, _ = train(TABLE, *flags, models=tmp_path / "m", languages=["en"])
    assert code == 0
    registry = Registry(tmp_path / "m")
    (version,) = registry.versions()
    manifest = registry.manifest(version)
    assert manifest["left_out"]["withdrawn_product"] > 0
    assert manifest["catalogue_version"] == Catalogue.load(path).version
    assert gone not in registry.load(version).baselines


# --- files that are not tables -------------------------------------------------------------------


def whole(place, ending):
    path = place / f"whole{ending}"
    write_outcomes(TABLE, path, force=True)
    return path.read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused(train, place, ending, share):
    content = whole(place, ending)
    path = place / f"cut{ending}"
    path.write_bytes(content[: int(len(content) * share)])
    refused(train(path), en=f"cut{ending}", zh=f"cut{ending}")


REASONS = {
    ".csv": ("it is empty", "文件是空的"),
    ".xlsx": ("not an Excel workbook", "不是 Excel 工作簿"),
    ".parquet": ("not a Parquet file", "不是 Parquet 文件"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_is_refused(train, place, ending):
    path = place / f"empty{ending}"
    path.write_bytes(b"")
    en, zh = REASONS[ending]
    refused(train(path), en=en, zh=zh)


@pytest.mark.parametrize("ending", [".xlsx", ".parquet"])
def test_a_file_under_the_wrong_name_is_refused(train, place, ending):
    path = place / f"wrong{ending}"
    path.write_bytes(whole(place, ".csv"))
    en, zh = REASONS[ending]
    refused(train(path), en=en, zh=zh)


def test_mixed_up_encodings_are_refused_with_a_way_out(train, place):
    text = whole(place, ".csv").decode().replace("simulation", "仿真")
    lines = text.splitlines(keepends=True)
    mixed = "".join(lines[:3]).encode() + "".join(lines[3:]).encode("gbk")
    (place / "mixed.csv").write_bytes(mixed)
    refused(train(place / "mixed.csv"), en="CSV UTF-8", zh="CSV UTF-8")
    (place / "wide.csv").write_bytes(text.encode("utf-16"))
    refused(train(place / "wide.csv"), en="CSV UTF-8", zh="CSV UTF-8")


def test_a_byte_order_mark_and_other_line_ends_change_nothing(train, place):
    """What Excel writes is read; the model is the one that serves already."""
    text = whole(place, ".csv").decode("utf-8").replace("\r\n", "\n")
    (place / "excel.csv").write_bytes(text.encode("utf-8-sig"))
    code, said = train(place / "excel.csv", languages=["en"])
    assert code == 0
    assert Registry(place / "m").versions()[0] in said["en"]


def test_a_row_with_more_cells_than_columns_is_named(train, place):
    lines = whole(place, ".csv").decode().splitlines(keepends=True)
    lines[4] = lines[4].replace(",", ",,,", 1)
    (place / "long.csv").write_bytes("".join(lines).encode())
    words = {"en": "more cells than the header", "zh": "多于表头"}
    found = train(place / "long.csv")
    refused(found, **words)
    assert "long.csv:5" in found[1]["en"]


def test_firms_that_cannot_be_read_are_named(train, place, tmp_path):
    lines = (place / "firms.jsonl").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "firms.jsonl").write_text("".join(lines)[:-40], "utf-8")
    flags = ["--companies", tmp_path / "firms.jsonl"]
    refused(train(TABLE, *flags), en=f"firms.jsonl:{len(lines)}", zh=f"firms.jsonl:{len(lines)}")


# --- the registry --------------------------------------------------------------------------------


def test_a_disk_that_fills_up_leaves_everything_as_it_was(place):
    """A real limit on the size of files, as a full disk would have: the card does not fit."""
    flags = ["--outcomes", place / "outcomes.csv", "--models", place / "m", "--use-refusals"]
    command = [sys.executable, "-c", DISK, "train", *map(str, flags), "--language", "en"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "File too large" in done.stderr


@pytest.fixture
def spoilt(place, tmp_path):
    """A copy of the registry, to be damaged; and the model that serves in it."""
    shutil.copytree(place / "m", tmp_path / "m")
    registry = Registry(tmp_path / "m")
    return registry, registry.current


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"history": [1]}'])
def test_a_damaged_record_is_named_by_every_command(spoilt, place, capsys, content):
    registry, version = spoilt
    (registry.shelf.folder / "current.json").write_bytes(content)
    folder = registry.shelf.folder
    before = bytes_of(folder)
    outcomes_ = ["--outcomes", str(place / "outcomes.csv")]
    for command in (["models"], ["promote", version, "--because", "x"], ["rollback"],
                    ["train", *outcomes_]):  # fmt: skip
        for language in LANGUAGES:
            where = ["--models", str(registry.shelf.folder), "--language", language]
            assert main([*command, *where]) == 2
            assert "current.json" in capsys.readouterr().err
    assert bytes_of(folder) == {
        **before, **{k: v for k, v in bytes_of(folder).items() if k.endswith(".lock")}
    }  # fmt: skip


@pytest.mark.parametrize("name", ["weights.json", "manifest.json"])
def test_a_model_edited_by_hand_is_shown_as_broken_and_never_used(spoilt, place, capsys, name):
    registry, version = spoilt
    path = registry.shelf.folder / version / name
    document = json.loads(path.read_text("utf-8"))
    document.get("weights", document)["route"] = 9.0
    path.write_text(json.dumps(document), "utf-8")
    where = ["--models", str(registry.shelf.folder), "--language", "en"]
    assert main(["models", *where]) == 0
    assert "changed by hand and refused" in capsys.readouterr().out
    outcomes_ = ["--outcomes", str(place / "outcomes.csv")]
    commands = {
        "promote": [version, "--because", "x"],
        "evaluate": [version, *outcomes_],
        "train": [*outcomes_, "--init", version],
        "edit": [version, "--set=route=1"],
    }
    for command, arguments in commands.items():
        assert main([command, *arguments, *where]) == 2
        assert version in capsys.readouterr().err
