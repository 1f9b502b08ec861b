"""Flags of the command line that are numbers."""

from __future__ import annotations

import re

from recommender.errors import Problem


def whole(flag: str, given: str, problems: list[Problem], least: int, most: int) -> int:
    """A whole number within bounds; `least` after adding what is wrong with it."""
    if not re.fullmatch(r"-?[0-9]{1,18}", given):
        problems.append(Problem("not_integer", flag, given))
    elif int(given) < least:
        problems.append(Problem("below_minimum", flag, given, least))
    elif int(given) > most:
        problems.append(Problem("above_maximum", flag, given, most))
    else:
        return int(given)
    return least
