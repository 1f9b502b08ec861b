"""Everything installs from wheels made elsewhere: no compiler is needed."""

import importlib.metadata
import re

import pytest

from supply.lock import ROOT, pins

INSTALLED = {
    d.metadata["Name"].lower().replace("_", "-"): d for d in importlib.metadata.distributions()
}


def test_pip_is_told_to_build_nothing():
    """What sets up the environment, also of the continuous integration, refuses source archives."""
    rule = re.findall(r"pip install .*--require-hashes.*", (ROOT / "Makefile").read_text("utf-8"))
    assert len(rule) == 2
    main = [line for line in rule if "requirements.lock" in line]
    assert len(main) == 1
    assert "--only-binary :all:" in main[0]


@pytest.mark.parametrize(
    "name", sorted({p.name for p in pins(ROOT / "requirements.lock")} & set(INSTALLED))
)
def test_an_installed_package_was_compiled_by_its_maintainers(name):
    """What pip compiles itself is tagged with the system alone, not with what it runs on."""
    tags = re.findall(r"^Tag: (\S+)", INSTALLED[name].read_text("WHEEL") or "", re.MULTILINE)
    assert tags
    assert [tag for tag in tags if re.search(r"-linux_\w+$", tag)] == []
