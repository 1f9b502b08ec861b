"""Which pages of the sources may be linked on screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import normpath
from typing import Any
from urllib.parse import unquote, urlsplit

from recommender.codes import reference


def linkable(url: str) -> bool:
    """Whether a page may be linked on screen: a plain http(s) address on no host of the list."""
    if re.search(r"[\x00-\x20\x7f\\]", url):
        return False
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or "." not in host or not host.isascii():
        return False
    path = normpath("/" + unquote(parts.path).lstrip("/")).lower()
    return not any(_listed(record, host, path) for record in reference.records("source_hosts.csv"))


def _listed(record: Mapping[str, Any], host: str, path: str) -> bool:
    prefix = record["path_prefix"] or ""
    on_host = host == record["host"] or host.endswith(f".{record['host']}")
    return on_host and f"{path}/".startswith(prefix)
