"""Files and standard input on the command line: plain values, or a clear refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from api.errors import (
    BadEncoding,
    FileIsFolder,
    FileKind,
    FileMissing,
    FileNotText,
    FileRefused,
    FileSyntax,
    TooLarge,
)
from api.parsing import BOM, fields, parsed
from recommender.errors import UnreadableFile
from recommender.tables import parse_yaml

STANDARD_INPUT = "-"
YAML, JSON = (".yaml", ".yml"), (".json",)
PLAIN_CONTROLS = b"\t\n\r"


def read_values(name: str, stdin: BinaryIO, limit: int) -> Any:
    """The values of a YAML or JSON file, or of standard input; `{}` for an empty one.

    Raises a CorridorError that says what is wrong with the file.
    """
    raw = received(name, stdin, limit).removeprefix(BOM)
    ending = Path(name).suffix.lower()
    if name != STANDARD_INPUT and ending not in (*YAML, *JSON):
        raise FileKind
    if ending in JSON or (name == STANDARD_INPUT and raw.lstrip()[:1] in (b"{", b"[")):
        return parsed(raw)
    return _yaml(raw)


def received(name: str, stdin: BinaryIO, limit: int) -> bytes:
    """The bytes of a text file, at most `limit` of them."""
    try:
        raw = stdin.read(limit + 1) if name == STANDARD_INPUT else _bytes(Path(name), limit)
    except FileNotFoundError:
        raise FileMissing from None
    except IsADirectoryError:
        raise FileIsFolder from None
    except (OSError, ValueError) as error:
        raise FileRefused(reason=getattr(error, "strerror", None) or str(error)) from None
    if len(raw) > limit:
        raise TooLarge(limit=limit)
    for place, byte in enumerate(raw[:4096]):
        if byte < 32 and byte not in PLAIN_CONTROLS:
            raise FileNotText(byte=place + 1)
    return raw


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


def _yaml(raw: bytes) -> Any:
    try:
        values = parse_yaml(raw.decode("utf-8"), "")
    except UnicodeDecodeError as error:
        raise BadEncoding(byte=error.start + 1) from None
    except UnreadableFile as error:
        place = f"{error.params['file'].lstrip(':')}: " if error.params["file"] else ""
        raise FileSyntax(reason=f"{place}{error.params['reason']}") from None
    fields(values)
    return {} if values is None else values
