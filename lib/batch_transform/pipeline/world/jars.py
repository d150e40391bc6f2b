"""Jars and settings that a plain Spark needs for a format and for S3; EMR and Databricks bring their own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from batch_transform.aws.access import AwsAccess
from batch_transform.config import RunConfig
from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.outputs.port import Packages
from batch_transform.outputs.registry import output_formats
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.s3a_access import CHAIN_OF_SDK_2
from batch_transform.pipeline.world.spark_home import Versions, installed_for
from batch_transform.spark.merge_way import way_named

# The AWS SDK of each Hadoop (its hadoop-project; 3.4.1's 2.24.6 lacks a jar). What s3a:// really uses are 57 MB with
# Delta, where the bundle that hadoop-aws asks for has 558 or 686. Hadoop 3.3 asks for version 1, whose bundle has 280.
S3A_SDK = {"3.3.4": "1.12.262", "3.4.1": "2.29.52", "3.4.2": "2.29.52", "3.5.0": "2.35.4"}
S3A_PARTS = ("s3", "s3-transfer-manager", "sts", "apache-client")
S3A_PARTS_1 = ("s3", "sts", "dynamodb")  # DynamoDB's classes are named by s3a's translation of errors
_OF_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_CHAIN_OF_SDK_1 = "com.amazonaws.auth.DefaultAWSCredentialsProviderChain"
# Where nobody answers, s3a's own try for eight minutes without a word.
S3A_PATIENCE = {
    "fs.s3a.attempts.maximum": "3",
    "fs.s3a.retry.limit": "2",
    "fs.s3a.connection.establish.timeout": "15000",  # milliseconds, of which 3.4 takes no fewer
}
# Spark's own chain looks into ~/.m2 first, where Maven leaves poms without their jars, and Ivy then looks nowhere else.
# `ibiblio` is Maven Central unless a root is given; caches know both by Spark's names.
_IVY = """\
<ivysettings>
  <settings defaultResolver="spark-list"/>
  <resolvers>
    <chain name="spark-list" returnFirst="true">
      <ibiblio name="central" m2compatible="true"{root}/>
      <ibiblio name="local-maven" m2compatible="true" root="file://${{user.home}}/.m2/repository"/>
    </chain>
  </resolvers>
</ivysettings>
"""
S3A_SLIM_EXCLUDES = (
    "com.amazonaws:aws-java-sdk-bundle",
    "software.amazon.awssdk:bundle",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.hadoop:hadoop-client-api",
)


@dataclass(frozen=True)
class Jars:
    """What is added to spark-submit's arguments."""

    packages: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


def format_jars(config: RunConfig, versions: Versions, packages: str) -> list[Jars]:
    """Returns jars and settings of the formats of input and output, as far as Spark does not bring them.

    Args:
        config: the run's.
        versions: of Spark.
        packages: that are given; who brings a format has settled which one.

    Raises:
        ConfigurationError: none is known for this Spark.
    """
    names = {section.format for section in (config.input, config.output) if section is not None}
    needed = [
        (format.can.name, format.packages)
        for format in output_formats().values()
        if format.can.name in names and format.packages.versions and not _is_given(format.packages, packages)
    ]
    return [_jars_of(name, packages, versions) for name, packages in needed]


def _is_given(needed: Packages, given: str) -> bool:
    return any(f"{group}:" in given for group in needed.groups)


def _jars_of(name: str, packages: Packages, versions: Versions) -> Jars:
    line = ".".join(versions.spark.split(".")[:2])
    version = installed_for(packages.python, line) or packages.versions.get(line)
    if version is None:
        raise ConfigurationError(
            f"output.format: {name} needs a jar, and none is known for Spark {versions.spark or 'of unknown version'}; "
            f"give --packages {' or '.join(packages.groups)}:..."
        )
    coordinate = packages.coordinate(version).format(line=line, scala=versions.scala)
    return Jars(packages=(coordinate,), settings=dict(packages.settings))


def s3a_jars(config: RunConfig, versions: Versions, environ: Mapping[str, str]) -> Jars:
    """Returns the jars of `s3a://` if Spark itself reads or writes S3.

    JSON Lines, manifests and the ledger go through boto3 and need none. With the embedded emulator the endpoint is
    known only when it has started: the driver then sets `hadoop_settings` in its session.

    Raises:
        ConfigurationError: an endpoint of the environment has a secret inside.
    """
    if not reads_s3(config):
        return Jars()
    slim = slim_parts(versions.hadoop)
    packages = (f"org.apache.hadoop:hadoop-aws:{versions.hadoop}", *slim)
    excludes = S3A_SLIM_EXCLUDES if slim else ()
    settings = {} if config.emulated else _settings_of_chain(access_of(config, None, environ), versions.hadoop)
    return Jars(packages, excludes, settings={f"spark.hadoop.{key}": value for key, value in settings.items()})


def slim_parts(hadoop: str) -> list[str]:
    """Returns the parts of the AWS SDK that `s3a://` of this Hadoop needs; none: what it asks for itself."""
    sdk = S3A_SDK.get(hadoop)
    if sdk is not None and sdk.startswith("1."):
        return [f"com.amazonaws:aws-java-sdk-{part}:{sdk}" for part in S3A_PARTS_1]
    return [f"software.amazon.awssdk:{part}:{sdk}" for part in S3A_PARTS] if sdk else []


def _settings_of_chain(access: AwsAccess, hadoop: str) -> dict[str, str]:
    """What boto3 takes from the environment, and fewer tries."""
    provider = _CHAIN_OF_SDK_1 if hadoop.startswith("3.3.") else CHAIN_OF_SDK_2
    return {
        "fs.s3a.aws.credentials.provider": provider,
        **hadoop_settings(access.endpoint("s3"), access.region),
        **S3A_PATIENCE,
    }


def endpoint_settings(config: RunConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns Spark's settings by which `s3a://` of a cluster reaches an endpoint; none: AWS's own, or Spark asks none.

    What else a cluster's `s3a://` takes is its own. So is the endpoint where it is this machine's alone, such as a port
    that is forwarded to it.
    """
    access = access_of(config, None, environ) if reads_s3(config) and not config.emulated else None
    endpoint = access.endpoint("s3") if access is not None else None
    if access is None or endpoint is None or (urlsplit(endpoint).hostname or "") in _OF_THIS_MACHINE:
        return {}
    return {f"spark.hadoop.{key}": value for key, value in hadoop_settings(endpoint, access.region).items()}


def ivy_settings(environ: Mapping[str, str]) -> str:
    """Returns where Ivy looks for the jars that a run adds: in public, and then on this machine."""
    root = environ.get("DEFAULT_ARTIFACT_REPOSITORY")  # as Spark has it
    return _IVY.format(root=f" root={quoteattr(root)}" if root else "")


def reads_s3(config: RunConfig) -> bool:
    """Returns whether Spark itself reads or writes S3."""
    return any(is_s3(place) for place in _places_of_spark(config))


def _places_of_spark(config: RunConfig) -> list[str]:
    sections = (config.input, config.output, config.dead_letter)
    outputs_of_jobs = [config.workspace] if way_named(config.merge).spark_reads_outputs else []
    return [
        config.staging_place,
        *outputs_of_jobs,
        *(section.path for section in sections if section is not None and section.path),
    ]


def hadoop_settings(
    endpoint: str | None, region: str | None, credentials: tuple[str, str] | None = None
) -> dict[str, str]:
    """Returns Hadoop's settings of `s3a://`, without the prefix `spark.hadoop.` that a session puts before them.

    Args:
        endpoint: None: AWS's own.
        region: None: the SDK's chain decides.
        credentials: access key and secret of an emulator; None: who asks has said.
    """
    settings = {}
    if credentials is not None:
        settings["fs.s3a.aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"
        settings |= {"fs.s3a.access.key": credentials[0], "fs.s3a.secret.key": credentials[1]}
    if endpoint is not None:
        # Buckets have no host names of their own at an endpoint of one's own.
        settings |= {"fs.s3a.endpoint": endpoint, "fs.s3a.path.style.access": "true"}
    if region is not None:
        settings["fs.s3a.endpoint.region"] = region
    return settings
