"""The words of the pages as they stand in code and templates, and both catalogues brought up to it.

`make words` runs this file: what is new is added, what is gone goes, and every catalogue is sorted
by its ids, without places and dates, so that two branches that add words merge line by line. The
English of a new phrase is the phrase; its Chinese stands empty until somebody writes it.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

WEB = Path(__file__).parent.parent / "api" / "web"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"templates/**.html": {"silent": "false", "trimmed": "true"}}
KEYWORDS = {**DEFAULT_KEYWORDS, "say": (2,)}
LOCALES = {"zh": "zh_CN", "en": "en"}


def phrases():
    """Every phrase that the pages say."""
    found = extract_from_dir(str(WEB), METHODS, OPTIONS, KEYWORDS)
    return sorted({message for _, _, message, _, _ in found if isinstance(message, str)})


def place(language):
    """The file of a catalogue."""
    return WEB / "translations" / LOCALES[language] / "LC_MESSAGES" / "messages.po"


def kept(language):
    """A catalogue as it is; empty where there is none yet."""
    path = place(language)
    if not path.exists():
        return Catalog(locale=LOCALES[language])
    with path.open("rb") as file:
        return read_po(file, locale=LOCALES[language])


def updated(language, said):
    """The text of a catalogue that holds exactly these phrases."""
    before = {m.id: m.string for m in kept(language) if m.id}
    catalog = Catalog(locale=LOCALES[language])
    for phrase in said:
        catalog.add(phrase, before.get(phrase) or (phrase if language == "en" else ""))
    out = BytesIO()
    write_po(out, catalog, width=0, no_location=True, omit_header=True, sort_output=True)
    return out.getvalue()


def main():
    """Write both catalogues, and say how much is left to translate."""
    said = phrases()
    for language in LOCALES:
        path = place(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(updated(language, said))
        empty = [m.id for m in kept(language) if m.id and not m.string]
        print(f"{language}: {len(said)} phrases, {len(empty)} to translate")
        for phrase in empty:
            print(f"  {phrase}")


if __name__ == "__main__":
    main()
