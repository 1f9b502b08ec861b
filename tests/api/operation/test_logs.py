"""Lines of the log: one object each, masked, in the form of the settings."""

import io
import json
import logging

import pytest

from api.operation import logs
from api.settings import Settings


@pytest.fixture
def lines():
    """What is logged in a form, after `set_up`; the logging of the tests is put back."""
    root, own = logging.getLogger(), logging.getLogger("corridor")
    kept, levels = list(root.handlers), (root.level, own.level)
    stream = io.StringIO()

    def begin(**settings):
        logs.set_up(Settings(**settings), stream)
        return lambda: stream.getvalue().splitlines()

    yield begin
    root.handlers[:] = kept
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def test_a_line_is_one_object_with_its_fields_and_the_id_of_the_request(lines):
    read = lines(log_format="json")
    token = logs.REQUEST_ID.set("request-1")
    logging.getLogger("corridor.x").info("about %s", "it", extra={"fields": {"status": 200}})
    logs.REQUEST_ID.reset(token)
    (line,) = read()
    found = json.loads(line)
    assert found.pop("at").endswith("+00:00")
    assert found == {
        "level": "info",
        "logger": "corridor.x",
        "message": "about it",
        "request_id": "request-1",
        "status": 200,
    }


def test_messages_and_tracebacks_are_masked(lines):
    read = lines(log_format="json")
    try:
        raise ValueError("company 91990000MA0000017Y")
    except ValueError:
        logging.getLogger("corridor").exception("with Bearer abcdef")
    (line,) = read()
    assert "91990000MA0000017Y" not in line
    assert "abcdef" not in line
    assert "Traceback" in json.loads(line)["exception"]


def test_text_is_a_line_for_people(lines):
    read = lines(log_format="text")
    logging.getLogger("corridor").warning("two\nlines", extra={"fields": {"ms": 1.5, "user": None}})
    (line,) = read()
    assert line.endswith("WARNING two\\nlines ms=1.5")


def test_auto_is_json_where_nobody_looks(lines):
    read = lines()
    logging.getLogger("corridor").info("x")
    assert json.loads(read()[0])["message"] == "x"


def test_the_level_is_that_of_the_settings(lines):
    read = lines(log_level="warning")
    logging.getLogger("corridor").info("x")
    logging.getLogger("sqlalchemy").info("x")
    assert read() == []


def test_a_reader_who_is_gone_fails_nothing(lines, capsys):
    lines()
    handler = logging.getLogger().handlers[0]

    class Gone(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    handler.setStream(Gone())
    logging.getLogger("corridor").info("x")
    assert capsys.readouterr().err == ""
