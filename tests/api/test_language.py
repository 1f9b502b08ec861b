"""The language of a caller: header, flag, locale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.commands.arguments import language_of
from api.language import of_locale, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("EN-us", "en"),
        ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.8, zh;q=0.9", "zh"),
        ("en; q=0.9 , zh ; q=0.8", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("en;q=0", "zh"),
        ("en;q=0.1, zh;q=0.5, en-GB;q=0.9", "en"),
        ("en-GB;q=0.9, zh;q=0.5, en;q=0.1", "en"),
        ("zh;q=0", "zh"),
        ("*", "zh"),
        ("*;q=0.5, en;q=0.6", "en"),
        ("zh;q=0, *", "en"),
        ("fr, de", "zh"),
        ("english", "zh"),
        ("en;q=2, zh;q=0.1", "zh"),
        ("en;q=nan, zh;q=0.1", "zh"),
        ("en;level=1", "zh"),
        (";;;,,,q=1", "zh"),
    ],
)
def test_the_header_is_weighed(header, language):
    assert preferred(header) == language


@given(st.text(max_size=2_000))
def test_any_header_names_a_language(header):
    assert preferred(header) in ("zh", "en")


@pytest.mark.parametrize(
    ("argv", "environ", "language"),
    [
        ([], {}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "en_US.UTF-8"}, "en"),
        ([], {"LANG": "C.UTF-8"}, "zh"),
        ([], {"LANG": "fr_FR.UTF-8"}, "zh"),
        ([], {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ([], {"LC_MESSAGES": "en_US", "LANG": "zh_CN"}, "en"),
        (["x", "--language", "zh"], {"LANG": "en_US"}, "zh"),
        (["--language=en", "x"], {}, "en"),
        (["--language", "fr"], {"LANG": "en_US"}, "en"),
        (["--language"], {}, "zh"),
    ],
)
def test_the_flag_comes_before_the_locale(argv, environ, language):
    assert language_of(argv, environ) == language


def test_only_english_locales_are_english():
    assert [of_locale(name) for name in ("en", "en_GB", "zh_CN", "de", None)] == [
        "en",
        "en",
        "zh",
        "zh",
        "zh",
    ]
