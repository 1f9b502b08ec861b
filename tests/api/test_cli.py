"""The `corridor` command, as a process and in this one."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from api import examples
from api.commands.console import WIDTH, _shared
from recommender.tables import data_dir, read_document
from recommender.texts import Money, show

ROOT = Path(__file__).parent.parent.parent
SAMPLES = sorted((data_dir() / "samples").glob("*.yaml"))
MAIN = "import sys; from api.cli import main; sys.exit(main())"
AS_OF = ("--as-of", "2026-11-23")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_json_is_the_http_body_to_the_byte(corridor, client, profile, language):
    done = corridor("recommend", profile, *AS_OF, "--language", language, "--json")
    options = {"as_of": AS_OF[1], "language": language}
    body = {"company": dict(examples.EXPORTER), "options": options}
    assert done.returncode == 0, done.stderr
    assert done.stdout == client.post("/v1/recommendations", json=body).content
    assert done.stderr == b""


def test_every_flag_is_the_option_of_that_name(run, client, profile):
    flags = ("--lanes", "hedge, financing", "--limit", "7", "--include-ineligible")
    code, out, _ = run("recommend", profile, *AS_OF, *flags, "--no-personalised", "--json")
    options = {
        "as_of": AS_OF[1],
        "lanes": ["hedge", "financing"],
        "limit": 7,
        "include_ineligible": True,
        "personalised": False,
        "language": "zh",
    }
    body = {"company": dict(examples.EXPORTER), "options": options}
    assert code == 0
    assert out == client.post("/v1/recommendations", json=body).text


def readable(text):
    """Nothing that only a terminal understands, nothing cut, nothing wider than a page."""
    lines = text.splitlines()
    assert "\x1b" not in text
    assert "…" not in text
    assert max(cell_len(line) for line in lines) <= WIDTH
    assert all(line == line.rstrip() for line in lines)
    return lines


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_answered_for_people(run, path, language):
    code, out, err = run("recommend", path, *AS_OF, "--language", language)
    assert (code, err) == (0, "")
    readable(out)
    answer = json.loads(run("recommend", path, *AS_OF, "--language", language, "--json")[1])
    unbroken = "".join(out.split())
    for lane in answer["lanes"]:
        assert lane["label"] in out
        for match in lane["matches"]:
            name = match[f"name_{language}"]
            assert "".join(name.split()) in unbroken, name
            for item in (*match["blockers"], *match["changes"], *match["subject_to"]):
                assert "".join(item["text"].split()) in unbroken
    for question in answer["next_questions"]:
        assert "".join(question["question"].split()) in unbroken


def test_columns_stay_in_line_with_chinese_names(run, profile):
    _, out, _ = run("recommend", profile, *AS_OF, "--lanes", "financing")
    lines = out.splitlines()
    head = next(place for place, line in enumerate(lines) if "结论" in line)
    column = cell_len(lines[head][: lines[head].index("结论")])
    rows = [line for line in lines[head + 1 :][:10] if line[:2].strip().isdigit()]
    assert len(rows) >= 3
    for row in rows:
        before = ""
        for letter in row:
            if cell_len(before) == column:
                break
            before += letter
        assert row[len(before)] in "✓?~✗", row


def test_a_table_shows_three_reasons(run, profile):
    answer = json.loads(run("recommend", profile, *AS_OF, "--json")[1])
    first = answer["lanes"][0]["matches"][0]
    _, out, _ = run("recommend", profile, *AS_OF)
    block = out[out.index(first["name_en"]) :].split("\n\n")[0]
    shown = [part["text"] in block for part in first["contributions"]]
    assert shown[:3] == [True] * 3


def test_the_profile_may_come_from_standard_input_as_yaml_or_json(corridor, profile):
    expected = corridor("recommend", profile, *AS_OF, "--json").stdout
    for text in (profile.read_bytes(), b"# yaml\n" + profile.read_bytes()):
        done = corridor("recommend", "-", *AS_OF, "--json", stdin=text)
        assert (done.returncode, done.stdout) == (0, expected)


def test_an_empty_profile_is_valid(run, tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("")
    code, out, _ = run("recommend", path, *AS_OF, "--language", "en")
    assert code == 0
    assert "The questions most worth answering next" in out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.yaml", None, "没有这个文件"),
        ("folder.yaml", "folder", "这是文件夹"),
        ("notes.txt", b"{}", "文件名应以"),
        ("binary.yaml", b"\x00\x01\x02", "不是文本文件"),
        ("big.yaml", b"x: 1\n" * 2_000_000, "1,048,576"),
        ("gbk.yaml", "name_zh: 重庆".encode("gb18030"), "不是 UTF-8"),
        ("gbk.json", '{"name_zh": "重庆"}'.encode("gb18030"), "不是 UTF-8"),
        ("broken.yaml", b"a: [1\nb: 2", "不是合法的 YAML"),
        ("twice.yaml", b"staff: 1\nstaff: 2", "不是合法的 YAML"),
        ("broken.json", b'{"a": }', "第 1 行第 7 列"),
        ("nan.json", b'{"staff": NaN}', "不是合法的 JSON"),
        ("twice.json", b'{"staff": 1, "staff": 2}', "出现了两次"),
        ("list.yaml", b"- 1", "不是由字段组成的记录"),
        ("loop.yaml", b"trade: &a {x: *a}", ""),
        ("bomb.yaml", b"a: &a [1,1,1,1,1,1,1,1,1]\n" + b"".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n".encode()
            for a, b in zip("abcdefghi", "bcdefghij", strict=True)
        ), "引用展开后过大"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_the_reason(run, tmp_path, name, content, said):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    code, out, err = run("recommend", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"{path}: ")
    assert said in err
    assert "Traceback" not in err


def test_problems_of_profile_and_flags_come_at_once_one_line_each(run, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("staff: -1\nneed: {currency: XYZ}\nno_field: 1\n")
    flags = ("--limit", "many", "--lanes", "loans,hedge", "--as-of", "tomorrow")
    code, out, err = run("recommend", path, *flags, "--language", "en")
    lines = err.splitlines()
    assert (code, out, len(lines)) == (2, "", 6)
    assert {tuple(line.split(": ")[:2]) for line in lines} == {
        (str(path), "need.currency"),
        (str(path), "no_field"),
        (str(path), "staff"),
        ("corridor", "--as-of"),
        ("corridor", "--lanes"),
        ("corridor", "--limit"),
    }


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        ([], "缺少参数：COMMAND", "missing: COMMAND"),
        (["recommend"], "缺少参数：PROFILE", "missing: PROFILE"),
        (["nonsense"], "'nonsense' 不在可选范围内", "'nonsense' is not one of the choices"),
        (["recommend", "x", "--limit"], "--limit 后面需要一个值", "--limit needs a value"),
        (["recommend", "x", "--new"], "无法识别的参数：--new", "not understood: --new"),
        (["recommend", "x", "--json=1"], "--json 不带值", "--json takes no value"),
        (["catalogue"], "缺少参数：COMMAND", "missing: COMMAND"),
        (["recommend", "x", "--language", "fr"], "'fr' 不在可选范围内", "'fr' is not one of"),
    ],
)
def test_a_wrong_command_line_is_explained_in_both_languages(run, monkeypatch, arguments, zh, en):
    for locale, said in (("zh_CN.UTF-8", zh), ("en_GB.UTF-8", en)):
        monkeypatch.setenv("LC_ALL", locale)
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert said in err


def test_help_is_in_the_asked_language(run):
    for command in ([], ["recommend"], ["catalogue"], ["catalogue", "check"], ["serve"]):
        code, zh, _ = run(*command, "--help")
        assert code == 0
        assert zh.startswith("用法：corridor")
        _, en, _ = run(*command, "--language", "en", "--help")
        assert en.startswith("Usage: corridor")
        assert not any(unicodedata.east_asian_width(letter) in "WF" for letter in en)


def test_the_version_is_shown(run):
    assert run("--version")[:2] == (0, "corridor 0.1.0\n")


def test_a_reader_that_leaves_is_no_error(profile):
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "recommend", str(profile)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=20) == 0


def test_it_prints_where_the_terminal_knows_no_chinese(corridor, profile):
    done = corridor("recommend", profile, *AS_OF, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stderr == b""


def test_the_command_line_needs_no_web_framework(profile):
    script = (
        "import sys; from api.cli import main;"
        f"main(['recommend', {str(profile)!r}, '--json']);"
        "print([n for n in ('fastapi', 'uvicorn', 'sklearn', 'openpyxl') if n in sys.modules],"
        " file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False
    )
    assert done.stderr.strip() == b"[]"


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.sampled_from(["CNY", "USD"]))
def test_currency_and_unit_are_said_once_and_nothing_is_lost(low, high, currency):
    for language in ("zh", "en"):
        a, b = (show(Money(value, currency), language) for value in sorted((low, high)))
        first, second = _shared(a, b)
        shown = f"{first} {second}"
        assert re.findall(r"[\d.,]+", shown) == re.findall(r"[\d.,]+", f"{a} {b}")
        assert set(re.findall(r"[^\d.,\s]+", shown)) == set(re.findall(r"[^\d.,\s]+", f"{a} {b}"))


def test_samples_are_read_as_they_are_written():
    assert len(SAMPLES) >= 12
    assert all(read_document(path)["synthetic"] is True for path in SAMPLES)
