"""Passwords, hashed with Argon2id by pwdlib at its recommended cost."""

from __future__ import annotations

from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from api.refusals import InvalidUser
from recommender.errors import Problem

SHORTEST, LONGEST = 12, 200


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


def hashed(password: str) -> str:
    """The hash to keep; raises InvalidUser for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidUser([Problem("password_length", "password", None, f"{SHORTEST}-{LONGEST}")])
    return _hasher().hash(password)


def verified(password: str, kept: str | None) -> bool:
    """Whether it is the password; takes as long for a login that does not exist."""
    try:
        same = _hasher().verify(password[:LONGEST], kept or _nobodys())
    except PwdlibError:
        return False
    return same and kept is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher().hash("a password that nobody has")
