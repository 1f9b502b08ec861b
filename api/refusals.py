"""Why the record and its guard refuse: who may not, and what contradicts what is there."""

from __future__ import annotations

from recommender.errors import CorridorError, InvalidInput, UnreadableFile


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


class TooManyRequests(CorridorError):
    """Requests of one caller or address above the rate. params: seconds until the next may come."""

    code = "too_many_requests"


class UnknownIdentity(NotAuthenticated):
    """A good token of the identity provider whose subject is linked to no user here."""

    code = "unknown_identity"


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


class ConditionNeeded(CorridorError):
    """A change of something that is there without If-Match."""

    code = "condition_needed"


class UsccTaken(Conflict):
    """Another company of the organisation has the same code. params: id of the other."""

    code = "uscc_taken"


class CompanyOwned(Conflict):
    """A company that another user of an enterprise has. params: id."""

    code = "company_owned"


class UsccTakenUnseen(Conflict):
    """The same, where the caller does not see the other company."""

    code = "uscc_taken_unseen"


class Merged(InvalidInput):
    """A company that was found to be another one, which its problem names if it may be seen."""

    code = "merged"


class NotEmpty(Conflict):
    """A backup is to go into a database that keeps something already. params: table, rows."""

    code = "not_empty"


class PopulationGone(Conflict):
    """The companies that a list was made of are others by now. params: shown, now."""

    code = "population_gone"


class SessionElsewhere(Conflict):
    """Signing out with a token that somebody else issued, and only they can end."""

    code = "session_elsewhere"


class KeyReused(Conflict):
    """The Idempotency-Key came before with another request. params: key."""

    code = "key_reused"


class ModelRefused(InvalidInput):
    """A model that is not to serve; each problem is one reason, and `despite` overrides them."""

    code = "model_refused"


class UnreadableUpload(UnreadableFile):
    """A file that was sent and is not what its name says; params as of UnreadableFile."""


class StepTaken(Conflict):
    """Another decision about what serves came first; the one who decided looks again."""

    code = "step_taken"


class JobEnded(Conflict):
    """The job is not in a state for what was asked of it. params: id, status."""

    code = "job_ended"


class JobLost(Conflict):
    """A worker that does not hold its job any more, and must stop. params: id."""

    code = "job_lost"


class JobAbandoned(CorridorError):
    """A job whose worker ended without a word as often as it was tried. params: attempts."""

    code = "job_abandoned"


class Erased(CorridorError):
    """What was asked for has been erased. params: kind, id."""

    code = "erased"


class IllegalStep(Conflict):
    """A step that an application cannot take. params: before, after, allowed."""

    code = "illegal_step"


class TakenUp(Conflict):
    """A recommendation that was applied for before. params: run, product."""

    code = "taken_up"


class Answered(Conflict):
    """A question that has its answer. params: id."""

    code = "review_answered"


class ForeignForm(CorridorError):
    """A form that the page of another site sent."""

    code = "foreign_form"


class StaleForm(CorridorError):
    """A form of another session, or of none: the one who sent it confirms it."""

    code = "stale_form"
