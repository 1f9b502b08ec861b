"""A catalogue in files: YAML, JSON, an Excel workbook or a folder of CSV tables, read and written.

Reading gives documents, plain values by file name; tables remember their cells. Writing is all or
nothing: a file or folder appears whole under its name, or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from recommender.catalogue.cells import plain_number
from recommender.catalogue.columns import sheet_specs
from recommender.catalogue.rows import tables_of
from recommender.catalogue.tables import Tabular, document_of
from recommender.errors import UnreadableFile, Unwritable
from recommender.tables import data_dir, read_document, without_collection
from recommender.workbooks import (
    csv_bytes,
    filled_book,
    read_csv,
    read_workbook,
    workbook_bytes,
)

DOCUMENTS = (".yaml", ".yml", ".json")
WORKBOOK, TABLE = ".xlsx", ".csv"
Json = Mapping[str, Any]


def catalogue_files(path: str | Path | None) -> list[Path]:
    """The files of a catalogue: one file, or every YAML, JSON, XLSX and CSV file of a folder."""
    place = data_dir() / "catalogue" if path is None else Path(path)
    if not place.is_dir():
        return [place]
    endings = (*DOCUMENTS, WORKBOOK, TABLE)
    files = sorted(f for f in place.iterdir() if f.suffix.lower() in endings)
    files = [file for file in files if not file.name.startswith("~$")]  # Excel's mark of opening
    if not files:
        raise UnreadableFile(file=str(place), reason="empty_folder")
    return files


def read_files(
    files: Iterable[Path], refused: Callable[[Path, UnreadableFile], None]
) -> dict[str, Any]:
    """Documents by name; the CSV files of one folder are one document.

    refused: called for a file that cannot be read.
    """
    documents: dict[str, Any] = {}
    tables: dict[Path, list[Path]] = {}
    with without_collection():
        for file in files:
            if file.suffix.lower() == TABLE:
                tables.setdefault(file.parent, []).append(file)
                continue
            try:
                documents[str(file)] = _document(file)
            except UnreadableFile as error:
                refused(file, error)
        for folder, parts in tables.items():
            documents[str(folder)] = _folder(folder, parts, refused)
    return documents


def _document(file: Path) -> Any:
    if file.suffix.lower() == WORKBOOK:
        return document_of(read_workbook(file), str(file))
    if file.suffix.lower() not in DOCUMENTS:
        raise UnreadableFile(file=str(file), reason="catalogue_ending")
    return read_document(file)


def _folder(
    folder: Path, parts: Iterable[Path], refused: Callable[[Path, UnreadableFile], None]
) -> Tabular:
    sheets = []
    for part in parts:
        try:
            sheets.append(read_csv(part))
        except UnreadableFile as error:
            refused(part, error)
    return document_of(sheets, str(folder))


def write_catalogue(document: Json, place: Path, *, force: bool = False) -> None:
    """Write a document to a file by its ending; a name without ending is a folder of CSV tables.

    document: what `Catalogue.document` gives. force: replace what is there; of a folder only one
    that holds nothing but such tables. Raises Unwritable.
    """
    try:
        _write(document, place, force=force)
    except Unwritable as error:
        raise Unwritable(**{"file": str(place), **error.params}) from error


def _write(document: Json, place: Path, *, force: bool) -> None:
    ending = place.suffix.lower()
    if not ending:
        write_folder({f"{t.name}.csv": csv_bytes(t) for t in tables_of(document)}, place, force)
    elif ending in DOCUMENTS:
        text = as_json(document) if ending == ".json" else as_yaml(document)
        write_file(text.encode(), place, force=force)
    elif ending == WORKBOOK:
        write_file(workbook_bytes(filled_book(tables_of(document))), place, force=force)
    else:
        raise Unwritable(reason="ending", file=str(place))


def as_yaml(document: Json) -> str:
    """The document as YAML, as the packaged catalogue is written."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    whole = _plain(document, days=True)
    return str(yaml.dump(whole, Dumper=dumper, allow_unicode=True, sort_keys=False, width=100))


def as_json(document: Json) -> str:
    """The document as JSON."""
    return json.dumps(_plain(document, days=False), ensure_ascii=False, indent=1) + "\n"


def _plain(value: Any, *, days: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item, days=days) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, days=days) for item in value]
    if isinstance(value, Decimal):
        return plain_number(value)
    return value.isoformat() if isinstance(value, date) and not days else value


def write_file(content: bytes, place: Path, *, force: bool) -> None:
    """Write a file under another name and rename it; raises Unwritable."""
    if place.exists() and (place.is_dir() or not force):
        raise Unwritable(reason="is_folder" if place.is_dir() else "exists", file=str(place))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp leaves it to the owner alone
            os.replace(name, place)  # noqa: PTH105 - a name, not a Path
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(place)) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_folder(files: Mapping[str, bytes], place: Path, force: bool) -> None:
    """Write a folder under another name and rename it; raises Unwritable."""
    there = sorted(p.name for p in place.iterdir()) if place.is_dir() else []
    if place.exists() and (not place.is_dir() or (there and not force)):
        raise Unwritable(reason="exists", file=str(place))
    others = [name for name in there if name not in {f"{sheet}.csv" for sheet in sheet_specs()}]
    if others:
        raise Unwritable(reason="other_files", file=str(place), names=others)
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            for name, content in files.items():
                (made / name).write_bytes(content)
            made.chmod(0o777 & ~_umask())
            _swap(made, place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(place)) from error


def _swap(made: Path, place: Path) -> None:
    """Put a folder in the place of another; the old one comes back when that fails."""
    if not place.exists():
        made.rename(place)
        return
    old = made.with_name(f"{made.name}.old")
    place.rename(old)
    try:
        made.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
