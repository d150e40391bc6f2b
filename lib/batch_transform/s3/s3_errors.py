"""botocore's errors as the pipeline's: what was asked, of which object, and what came back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from batch_transform.core.object_store import ObjectNotFound, PreconditionFailed, StoreFailure
from batch_transform.core.refused_calls import DENIED, with_remedy
from batch_transform.core.uris import S3Uri

# HeadObject has no body, so botocore gives the bare status as the code. A missing bucket is not a missing object.
NOT_FOUND = frozenset({"404", "NoSuchKey", "NotFound"})
# "ConditionalRequestConflict" (409) is left out on purpose: two puts met, and neither answer tells who won.
PRECONDITION = frozenset({"412", "PreconditionFailed"})
NO_SUCH_BUCKET = "NoSuchBucket"
_CREDENTIALS = (
    "name some (AWS_PROFILE, AWS_ACCESS_KEY_ID, the machine's role), or score without AWS: --emulator MODEL=URL, "
    "score(emulator=...)"
)


@contextmanager
def s3_errors(operation: str, where: S3Uri | str) -> Iterator[None]:
    """Turns botocore's errors inside the block into StoreFailure or the subclass that fits.

    Raises:
        ObjectNotFound: there is no such object.
        PreconditionFailed: the object is not at the ETag asked for.
        StoreFailure: anything else, lost connections and time-outs included.
    """
    try:
        yield
    except ClientError as err:
        code = str(err.response.get("Error", {}).get("Code", "Unknown"))
        raise failure_class(code)(operation, str(where), code, with_remedy(_said(err), code)) from err
    except NoCredentialsError as err:
        raise StoreFailure(operation, str(where), type(err).__name__, f"{err}; {_CREDENTIALS}") from err
    except BotoCoreError as err:
        raise StoreFailure(operation, str(where), type(err).__name__, str(err)) from err


def _said(err: ClientError) -> str:
    """S3's own words, without botocore's around them, which repeat the operation and the code."""
    tries = int(err.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) + 1
    words = str(err.response.get("Error", {}).get("Message") or err)
    return words if tries == 1 else f"{words} (tried {tries} times)"


def is_denied(failure: StoreFailure) -> bool:
    """Returns whether S3 does not let this identity do it."""
    return failure.code in DENIED


def is_bare(failure: StoreFailure) -> bool:
    """Returns whether nothing but an HTTP status came: the answers to HeadObject and HeadBucket have no body."""
    return failure.code.isdigit()


def failure_class(code: str) -> type[StoreFailure]:
    """Returns the class of error for one of S3's error codes."""
    if code in NOT_FOUND:
        return ObjectNotFound
    return PreconditionFailed if code in PRECONDITION else StoreFailure
