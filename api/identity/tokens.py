"""Bearer tokens: 32 random bytes that are shown once, and kept as their SHA-256 alone.

A token is random, so that a fast hash is enough; passwords are not, and have Argon2.
"""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "cm_"


def made() -> str:
    """A new token."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
