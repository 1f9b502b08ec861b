"""Settings: flag, then variable, then default; every problem by the name it was given under."""

from pathlib import Path

import pytest

from api.settings import InvalidSettings, Settings


def test_the_defaults_are_local():
    settings = Settings.read({})
    assert (settings.host, settings.port, settings.catalogue) == ("127.0.0.1", 8000, None)
    assert settings.max_body == 1 << 20
    assert settings == Settings()


def test_a_variable_comes_before_the_default_and_a_flag_before_both():
    environ = {"CORRIDOR_PORT": "9000", "CORRIDOR_CATALOGUE": "/x", "CORRIDOR_HOST": ""}
    assert Settings.read(environ).port == 9000
    assert Settings.read(environ).catalogue == Path("/x")
    assert Settings.read(environ).host == "127.0.0.1"
    assert Settings.read(environ, port="9001", host=None).port == 9001


def test_every_problem_is_named():
    with pytest.raises(InvalidSettings) as caught:
        Settings.read({"CORRIDOR_PORT": "http", "CORRIDOR_MAX_BODY": "1"}, port="70000")
    named = {problem.field: problem.code for problem in caught.value.problems}
    assert named == {"--port": "above_maximum", "CORRIDOR_MAX_BODY": "below_minimum"}


def test_other_variables_are_not_ours():
    assert Settings.read({"CORRIDOR_NO_SKIPS": "1", "PORT": "1"}) == Settings()
