"""Addresses of sources: which pages may be linked."""

import pytest
from code_examples import wide
from hypothesis import given
from hypothesis import strategies as st

from recommender import codes


@pytest.mark.parametrize(
    "url",
    [
        "https://wodefinance.com/a",
        "http://www.wodefinance.com",
        "https://WODEFINANCE.com.",
        "https://good.org@wodefinance.com/",
        "https://wodefinance.com:8443/x?y=1",
        "https://m40.xygjyoga.com/xinwendongtai/1998077",
        "https://10100.com/article/7618503",
        "https://www.boc.cn/zm/x.html",
        "https://boc.cn/zm",
        "https://boc.cn//x/../%7am/page",
        "https://www.chinalawandpractice.com/2001/10/01/some",
        "ftp://safe.gov.cn/x",
        "javascript:alert(1)",
        "https://",
        "https://[::1",
        "https:\\\\safe.gov.cn",
        "https://safe.gov.cn/a b",
        f"https://{wide('w')}odefinance.com/",
        "",
    ],
)
def test_pages_not_to_be_linked(url):
    assert not codes.linkable(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://www.safe.gov.cn/chongqing/2023/1220/2727.html",
        "https://www.boc.cn/cbservice/x.html",
        "https://boc.cn/zmx",
        "https://www.chinalawandpractice.com/articles/x",
        "https://notwodefinance.com/",
    ],
)
def test_pages_that_may_be_linked(url):
    assert codes.linkable(url)


@given(st.text())
def test_no_address_raises(url):
    assert codes.linkable(url) in (True, False)
