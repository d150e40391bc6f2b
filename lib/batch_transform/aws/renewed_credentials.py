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
    does wrong then, gives credentials that have ended, or no JSON, it raises as any error of Python's.
    """
    credentials = session.get_credentials()
    if credentials is not None:
        client.meta.events.register("before-sign", lambda **_: _have(credentials))


def _have(credentials: Any) -> None:
    try:
        credentials.get_frozen_credentials()
    except _SIGNED_OUT as err:
        raise CredentialRetrievalError(provider=credentials.method, error_msg=f"{err}; {_SIGN_IN}") from err
    except BotoCoreError:
        raise
    except EOFError as err:
        raise CredentialRetrievalError(provider=credentials.method, error_msg=_NO_CODE) from err
    except (OSError, RuntimeError, ValueError) as err:
        raise CredentialRetrievalError(provider=credentials.method, error_msg=str(err)) from err
