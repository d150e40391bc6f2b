"""Settings of AWS's SDKs that are of no use, as refusals: which one it is, what is wrong with it, what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoRegionError,
    ProfileNotFound,
)
from botocore.utils import validate_region_name

from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure

NO_REGION = "aws.region: is needed and not given; set it, or AWS_REGION"
# In botocore's order.
PROFILES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
_CONFIG = ("AWS_CONFIG_FILE", "~/.aws/config")
_CREDENTIALS = ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
# A value of one of these is told to nobody, not even by its likeness to a word.
KEYS = re.compile("AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|BEARER_TOKEN_.*)", re.IGNORECASE)
# It wins over a profile's, as REQUESTS_CA_BUNDLE does not; AWS's own endpoints speak https alone.
_BUNDLE = "AWS_CA_BUNDLE"


@contextmanager
def refusing_settings(profile_key: str) -> Iterator[None]:
    """Turns what botocore says inside the block, of a session or a client that is made, into the pipeline's errors.

    Args:
        profile_key: of the run file, or the variable, that names the profile; '': none is named by either.

    Raises:
        ConfigurationError: a setting is of no use.
        ServiceFailure: whoever hands out the credentials does not answer.
    """
    try:
        yield
    except (BotoCoreError, OSError, ValueError) as err:
        raise refusal(err, os.environ, profile_key) from err


def refusal(err: Exception, environ: Mapping[str, str], profile_key: str) -> BatchTransformError:
    """Returns the error that a person is told of one of botocore's.

    Args:
        err: of a session, or of a client that was to be made.
        environ: that botocore has read.
        profile_key: as of `refusing_settings`.
    """
    if isinstance(err, NoRegionError):
        return ConfigurationError(NO_REGION)
    if isinstance(err, ProfileNotFound):
        key = profile_key or next(filter(environ.get, PROFILES), "AWS_PROFILE")
        files = " or ".join(environ.get(name) or usual for name, usual in (_CONFIG, _CREDENTIALS))
        also = ", or AWS_PROFILE," if key == "aws.profile" else ""
        return ConfigurationError(f"{key}: {err}; set {key}{also} to one that is in {files}{_or_unset(key)}")
    # A role's credentials are a service's to give, and not a command's that is set here.
    is_service = isinstance(err, CredentialRetrievalError) and "custom-process" not in str(err)
    if is_service or isinstance(err, (ConnectionError, HTTPClientError)):
        return ServiceFailure(f"no credentials of AWS are had: {err}")
    is_region = isinstance(err, InvalidRegionError)
    named = [name for name in _named_in(str(err), environ) if name.endswith("_REGION") is is_region]
    named = named or (["aws.region"] if is_region else [])
    if named:
        return ConfigurationError(f"{', '.join(named)}: {_words(err)}; set {named[0]} anew{_or_unset(named[0])}")
    files = " or ".join(f"{environ.get(name) or usual} ({name})" for name, usual in (_CONFIG, _CREDENTIALS))
    return ConfigurationError(
        f"AWS's settings: {_words(err)}; mend it where it is set: a variable AWS_..., {files}, or name another profile "
        "(aws.profile, AWS_PROFILE)"
    )


def _or_unset(key: str) -> str:
    return ", or unset it" if key.startswith("AWS_") else ""


def _words(err: Exception) -> str:
    return (f"{err}" if isinstance(err, BotoCoreError) else f"{type(err).__name__}: {err}").rstrip(" .:")


def _named_in(words: str, environ: Mapping[str, str]) -> list[str]:
    """The variables whose value stands in the words, which say no more than the value."""
    given = ((name, value) for name, value in sorted(environ.items()) if name.startswith("AWS_") and value)
    return [
        name
        for name, value in given
        if not KEYS.fullmatch(name) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", words)
    ]


def is_region(name: str) -> bool:
    """Returns whether botocore takes a name for that of a region."""
    try:
        validate_region_name(name)
    except InvalidRegionError:
        return False
    return bool(name)


def check_bundle(endpoint_url: str, environ: Mapping[str, str]) -> None:
    """Raises ConfigurationError for certificates that are not there, which each call by https would end with."""
    bundle = environ.get(_BUNDLE)
    if endpoint_url.startswith("https:") and bundle and not os.path.exists(bundle):
        raise ConfigurationError(f"{_BUNDLE}: there is no {bundle}; set it to a file that there is, or unset it")
