"""Sessions of boto3: one that reads what AWS's SDKs read on this machine, and one that reads nothing of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.configprovider import ConfigValueStore, ConstantProvider
from botocore.credentials import CredentialResolver, Credentials
from botocore.exceptions import BotoCoreError
from botocore.loaders import create_loader

# The emulator accepts any credentials; these are no secret and keep a laptop without an AWS profile working.
EMULATOR_CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}


def chain_session(region: str | None, profile: str | None, credentials: Credentials | None = None) -> boto3.Session:
    """Returns a session of the default chain, or of a profile of the shared files, or with these credentials.

    Args:
        region: None: the chain decides.
        profile: None: the chain decides.
        credentials: that win over those of the chain.

    Raises:
        BotoCoreError: there is no such profile, or one of the files cannot be parsed.
        OSError: one of the files cannot be read.
    """
    beneath = botocore.session.Session(profile=profile)
    if credentials is not None:
        beneath.register_component("credential_provider", CredentialResolver([_Had(credentials)]))
    return _shared(beneath, beneath.get_config_variable("data_path"), region_name=region)


def ignores_endpoints(profile: str | None, said: str | None) -> bool:
    """Returns whether AWS's SDKs pass over the endpoints that the environment and the shared files name.

    Args:
        profile: None: the chain decides.
        said: what the variable says of it, which wins over the profile whatever it says; None: it is not set.
    """
    word = _shared_files(profile)[0].get("ignore_configured_endpoint_urls") if said is None else said
    return str(word).lower() == "true"


def endpoints_of(profile: str | None, services: Mapping[str, str]) -> dict[str, str]:
    """Returns the endpoints that a profile of the shared files names, by service, as AWS's SDKs read them.

    Args:
        profile: None: the chain decides.
        services: boto3's name of each to its own id.
    """
    own, groups = _shared_files(profile)
    group = groups.get(own.get("services", ""), {})
    named = {name: group.get(id.replace("-", "_")) for name, id in services.items()}
    urls = {name: url.get("endpoint_url") if isinstance(url, dict) else None for name, url in named.items()}
    return {name: found for name, url in urls.items() if (found := url or own.get("endpoint_url"))}


def _shared_files(profile: str | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A profile, and the groups of services' settings beside it.

    There are none where the files, or the profile in them, are of no use: whoever makes a session tells of that.
    """
    beneath = botocore.session.Session(profile=profile)
    try:
        return beneath.get_scoped_config(), beneath.full_config.get("services", {})
    except (BotoCoreError, OSError, ValueError):
        return {}, {}


def emulator_session(region: str) -> boto3.Session:
    """Returns a session in which no variable and no file of AWS's SDKs counts: an emulator needs none of them.

    A profile that is not there, or a file that nobody can parse, would end a run that has no use for it.
    """
    beneath = botocore.session.Session()
    given = {"region": region, "config_file": os.devnull, "credentials_file": os.devnull}
    given["ignore_configured_endpoint_urls"] = "true"  # it has one of its own
    known = {name: default for name, (_, _, default, _) in beneath.SESSION_VARIABLES.items()}
    values = {name: ConstantProvider(value) for name, value in {**known, **given}.items()}
    beneath.register_component("config_store", ConfigValueStore(values))
    return _shared(beneath, None, **EMULATOR_CREDENTIALS)


def _shared(beneath: Any, data_path: str | None, **options: Any) -> boto3.Session:
    """A session that shares with all others of this process what botocore knows of the services."""
    described = _described(data_path)
    beneath.register_component("data_loader", described)
    session = boto3.Session(botocore_session=beneath, **options)
    described.search_paths[:] = dict.fromkeys(described.search_paths)  # each session of boto3 adds its own once more
    return session


@dataclass(frozen=True)
class _Had:
    """A provider of botocore's chain that has its credentials already."""

    credentials: Credentials
    METHOD = "sts-assume-role"
    CANONICAL_NAME = None

    def load(self) -> Credentials:
        """Returns them; they renew themselves."""
        return self.credentials


@cache
def _described(data_path: str | None) -> Any:
    """The descriptions of the services, which take longer to read than all else that a client needs."""
    return create_loader(data_path)
