"""Every locked package has a known licence that may stand beside this project's."""

from email.message import Message

import pytest

from supply import licences
from supply.licences import Licence, licence_of, may_be_distributed, refused, rules, table
from supply.lock import pins


@pytest.fixture(scope="module")
def found():
    return licences.licences(pins())


def test_every_locked_package_has_a_licence_that_is_allowed(found):
    assert {one.package for one in found} == {pin.name for pin in pins()}
    assert refused(found) == []


def test_the_page_is_what_the_locks_and_the_metadata_say(found):
    assert licences.TABLE.read_text("utf-8") == table(found), "run: make licences"


def test_what_is_stated_or_allowed_is_needed(found):
    """A rule that nothing needs any more would let in what nobody looked at."""
    names = {one.package for one in found}
    assert set(rules()["stated"]) <= names
    said = " ".join(str(one.expression) for one in found)
    assert [name for name in rules()["allowed"] if name not in said] == []
    assert all(len(why) > 10 for why in rules()["allowed"].values())


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("MIT OR GPL-2.0-only", True),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("LicenseRef-Proprietary", False),
        ("", False),
        ("MIT AND (", False),
    ],
)
def test_an_expression_is_allowed_when_it_can_be_met(expression, allowed):
    assert may_be_distributed(expression, rules()["allowed"]) is allowed


def metadata(**fields):
    made = Message()
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        (metadata(License_Expression="GPL-3.0-only"), "GPL-3.0-only"),
        (metadata(Classifier=["License :: OSI Approved :: MIT License"]), "MIT"),
        (metadata(License="MIT"), "MIT"),
        (metadata(License="as you like"), None),
        (metadata(Classifier=["License :: OSI Approved :: BSD License"]), None),
        (metadata(Classifier=["License :: Other/Proprietary License"]), None),
        (
            metadata(
                Classifier=[
                    "License :: OSI Approved :: MIT License",
                    "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
                ]
            ),
            None,
        ),
        (metadata(), None),
        (None, None),
    ],
)
def test_what_metadata_do_not_say_precisely_is_unknown_and_refused(said, expression):
    one = licence_of("some", said, {})
    assert one == Licence("some", expression)
    assert (one in refused([one])) is (expression in (None, "GPL-3.0-only"))
