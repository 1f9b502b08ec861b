"""The bill of materials: every locked package, and the same bytes for the same lock."""

import json

import pytest

from supply.lock import LOCKS, pins
from supply.sbom import bill, main


@pytest.fixture(scope="module", params=LOCKS, ids=lambda path: path.name)
def lock(request):
    return request.param


@pytest.fixture(scope="module")
def made(lock):
    return bill(lock)


def test_every_locked_package_is_in_it_and_nothing_else(made, lock):
    listed = sorted((c["name"], c["version"]) for c in json.loads(made)["components"])
    assert listed == sorted((pin.name, pin.version) for pin in pins(lock))


def test_it_says_what_it_is_the_bill_of_and_names_each_by_its_address(made):
    found = json.loads(made)
    assert found["bomFormat"] == "CycloneDX"
    assert found["metadata"]["component"]["name"] == "corridor-match"
    assert all(c["purl"].startswith("pkg:pypi/") for c in found["components"])


def test_the_same_lock_gives_the_same_bytes(made, lock, tmp_path):
    main([str(tmp_path / "folder" / "sbom.json"), str(lock)])
    assert (tmp_path / "folder" / "sbom.json").read_bytes() == made


def test_it_names_no_time_and_no_index(made):
    found = json.loads(made)
    assert "serialNumber" not in found
    assert "timestamp" not in found["metadata"]
    assert "externalReferences" not in json.dumps(found["components"])
