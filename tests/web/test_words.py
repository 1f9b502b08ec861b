"""Both catalogues hold every phrase of the pages, and nothing else."""

import re

import page_words
import pytest

PLACEHOLDER = re.compile(r"%\((\w+)\)s|(%%)")


def test_the_pages_say_something():
    assert len(page_words.phrases()) > 100


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_catalogue_is_what_the_words_of_the_pages_make_it(language):
    there = page_words.place(language).read_bytes()
    assert there == page_words.updated(language, page_words.phrases()), "run `make words`"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_phrase_has_words_with_its_placeholders(language):
    for message in page_words.kept(language):
        if not message.id:
            continue
        assert message.string, message.id
        assert not message.fuzzy, message.id
        assert sorted(PLACEHOLDER.findall(message.id)) == sorted(
            PLACEHOLDER.findall(message.string)
        )


def test_english_shows_the_phrases_themselves():
    assert [m.id for m in page_words.kept("en") if m.id and m.id != m.string] == []


def test_chinese_is_chinese():
    plain = [m.id for m in page_words.kept("zh") if m.id and not re.search("[一-鿿]", m.string)]
    assert plain == []
