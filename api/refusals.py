"""Why the record and its guard refuse: who may not, and what contradicts what is there."""

from __future__ import annotations

from recommender.errors import CorridorError, InvalidInput


class NotAuthenticated(CorridorError):
    """No token, or one that is unknown, revoked, expired or of a disabled user."""

    code = "not_authenticated"


class NotAllowed(CorridorError):
    """A known caller whose role or scope is not enough. params: role, operation."""

    code = "not_allowed"


class WrongPassword(NotAuthenticated):
    """A login that does not exist, or another password; the answer does not say which."""

    code = "wrong_password"


class TooManyFailures(CorridorError):
    """Logins that failed too often of late. params: seconds until the next may be tried."""

    code = "too_many_failures"


class InvalidUser(InvalidInput):
    """An organisation, a branch, a user or a token that cannot be made as asked."""

    code = "invalid_user"


class Conflict(CorridorError):
    """A write that contradicts what is there."""

    code = "conflict"


class AlreadyThere(Conflict):
    """A second record of the same id. params: kind, id."""

    code = "record_exists"


class Stale(CorridorError):
    """The record changed since it was read. params: given, current."""

    code = "stale"


class NotEmpty(Conflict):
    """A backup is to go into a database that keeps something already. params: table, rows."""

    code = "not_empty"


class PopulationGone(Conflict):
    """The companies that a list was made of are others by now. params: shown, now."""

    code = "population_gone"


class KeyReused(Conflict):
    """The Idempotency-Key came before with another request. params: key."""

    code = "key_reused"


class Erased(CorridorError):
    """What was asked for has been erased. params: kind, id."""

    code = "erased"
