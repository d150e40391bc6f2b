"""What a person does about a call that AWS does not let whoever asks make, by the code of its answer. Pure."""

from __future__ import annotations

# HeadObject and HeadBucket have no body, so botocore gives the bare status as the code.
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation"})
_ENDED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
# "More than 15 minutes after the date stamp on the request", or before it (common errors of AWS's APIs; those of S3).
_OUT_OF_TIME = frozenset({"RequestExpired", "RequestTimeTooSkewed"})


def with_remedy(words: str, code: str) -> str:
    """Returns the words of an answer with what to do, where its code says that it is about who asks."""
    if code in DENIED:
        return f"{words}; `batch-transform iam RUNFILE` prints what must be allowed, and to whom"
    if code in _ENDED:
        return f"{words}; the credentials have ended: with new ones the same command goes on"
    if code in _OUT_OF_TIME:
        return f"{words}; AWS's clock and that of this machine are more than 15 minutes apart: set this one"
    return words
