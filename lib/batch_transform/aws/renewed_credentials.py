"""Credentials that are not to be had when a request is signed: as an error of botocore's, whoever was to give them."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

_SIGNED_OUT = (SSOTokenLoadError, TokenRetrievalError, UnauthorizedSSOTokenError)
_SIGN_IN = "sign in with `aws sso login`, of that profile"
_NO_CODE = (
    "a code of MFA is asked for, which nobody types here: have keys of a session before (`aws sts get-session-token`), "
    "or name a profile without mfa_serial"
)


def tell_what_fails(client: Any, session: boto3.Session) -> None:
    """Has a client raise a BotoCoreError, which each of its callers knows, for credentials that are not to be had.

    botocore gets them when it signs a request, and again in mid-run. What a command of a profile (`credential_process`)
    does wrong then, gives credentials that have ended, or no JSON, it raises as any error of Python's. Nor does it look
    at them: a session token with a line break at its end would be told, with the token, by whoever makes the headers.
    """
    credentials = session.get_credentials()
    if credentials is not None:
        client.meta.events.register("before-sign", lambda **_: _have(credentials))


def _have(credentials: Any) -> None:
    try:
        had = credentials.get_frozen_credentials()
    except _SIGNED_OUT as err:
        raise CredentialRetrievalError(provider=credentials.method, error_msg=f"{err}; {_SIGN_IN}") from err
    except BotoCoreError:
        raise
    except EOFError as err:
        raise CredentialRetrievalError(provider=credentials.method, error_msg=_NO_CODE) from err
    except (OSError, RuntimeError, ValueError) as err:
        raise CredentialRetrievalError(provider=credentials.method, error_msg=str(err)) from err
    parts = {"access key": had.access_key, "secret key": had.secret_key, "session token": had.token}
    # Python refuses to send such a header, and quotes it.
    odd = [name for name, value in parts.items() if value and (value != value.strip() or not value.isprintable())]
    if odd:
        said = f"the {', '.join(odd)} had a blank or a line break too many, at an end perhaps: set it without"
        raise CredentialRetrievalError(provider=credentials.method, error_msg=said)
