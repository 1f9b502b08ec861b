"""What holds for every test: fixed random examples, and no skips where a skip would hide a hole."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

NO_SKIPS = os.environ.get("CORRIDOR_NO_SKIPS") == "1"


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip or an expected failure into a failure that names its reason."""
    if not (NO_SKIPS and report.skipped):
        return
    skipped_at = report.longrepr[2] if isinstance(report.longrepr, tuple) else None
    reason = getattr(report, "wasxfail", None) or skipped_at or "no reason given"
    vars(report).pop("wasxfail", None)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} did not run to a pass, and CORRIDOR_NO_SKIPS=1: {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge every phase of a test; a skip by a mark happens while it is set up."""
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge files that skip themselves as a whole."""
    report = yield
    fail_if_skipped(report)
    return report
