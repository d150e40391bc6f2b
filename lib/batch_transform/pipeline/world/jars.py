"""Jars and settings that a plain Spark needs for a format and for S3; EMR and Databricks bring their own. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from batch_transform.config import RunConfig
from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.outputs.port import Packages
from batch_transform.outputs.registry import output_formats
from batch_transform.pipeline.world.spark_home import Versions
from batch_transform.spark.merge_way import way_named

# What s3a:// really uses of the AWS SDK: 57 MB with Delta, where the bundle that hadoop-aws asks for has 686 MB.
S3A_SLIM = {
    "3.5.0": [f"software.amazon.awssdk:{part}:2.35.4" for part in ("s3", "s3-transfer-manager", "sts", "apache-client")]
}
S3A_SLIM_EXCLUDES = (
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


def format_jars(config: RunConfig, versions: Versions, packages: str = "") -> list[Jars]:
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
        if format.can.name in names and format.packages.coordinates and not _is_given(format.packages, packages)
    ]
    return [_jars_of(name, packages, versions) for name, packages in needed]


def _is_given(needed: Packages, given: str) -> bool:
    return any(f"{group}:" in given for group in needed.groups)


def _jars_of(name: str, packages: Packages, versions: Versions) -> Jars:
    coordinate = packages.coordinates.get(".".join(versions.spark.split(".")[:2]))
    if coordinate is None:
        raise ConfigurationError(
            f"output.format: {name} needs a jar, and none is known for Spark {versions.spark or 'of unknown version'}; "
            f"give --packages {' or '.join(packages.groups)}:..."
        )
    return Jars(packages=(coordinate.format(scala=versions.scala),), settings=dict(packages.settings))


def s3a_jars(config: RunConfig, versions: Versions) -> Jars:
    """Returns the jars of `s3a://` if Spark itself reads or writes S3.

    JSON Lines, manifests and the ledger go through boto3 and need none. With the embedded emulator the endpoint is
    known only when it has started: the driver then sets `session_settings` in its session.
    """
    if not reads_s3(config):
        return Jars()
    packages = (f"org.apache.hadoop:hadoop-aws:{versions.hadoop}", *S3A_SLIM.get(versions.hadoop, ()))
    excludes = S3A_SLIM_EXCLUDES if versions.hadoop in S3A_SLIM else ()
    settings = {} if config.emulated else session_settings(config.aws.endpoint("s3"), config.aws.region)
    return Jars(packages, excludes, settings={f"spark.hadoop.{key}": value for key, value in settings.items()})


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


def session_settings(
    endpoint: str | None, region: str | None, credentials: tuple[str, str] | None = None
) -> dict[str, str]:
    """Returns Hadoop's settings of `s3a://`, without the prefix `spark.hadoop.` that a session puts before them.

    Args:
        endpoint: None: AWS's own.
        region: None: the SDK's chain decides.
        credentials: access key and secret of an emulator; None: the SDK's default chain, as in boto3.
    """
    settings = {"fs.s3a.aws.credentials.provider": "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"}
    if credentials is not None:
        settings["fs.s3a.aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"
        settings |= {"fs.s3a.access.key": credentials[0], "fs.s3a.secret.key": credentials[1]}
    if endpoint is not None:
        # Buckets have no host names of their own at an endpoint of one's own.
        settings |= {"fs.s3a.endpoint": endpoint, "fs.s3a.path.style.access": "true"}
    if region is not None:
        settings["fs.s3a.endpoint.region"] = region
    return settings
