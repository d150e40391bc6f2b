"""What spark-submit is given for a run, on a laptop and for a cluster: options, jars, variables."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_transform.config import RunConfig
from batch_transform.deploy.port import application_name
from batch_transform.pipeline.commands.spark_submit_arguments import SparkArguments
from batch_transform.pipeline.submit.destination import (
    ALWAYS,
    DRIVER_PYTHON,
    EXECUTORS_PYTHON,
    ON_A_LAPTOP,
    PYTHON,
    configured,
    interpreter_settings,
)
from batch_transform.pipeline.world.ivy_folder import KEY as IVY_FOLDER
from batch_transform.pipeline.world.ivy_folder import ivy_folder
from batch_transform.pipeline.world.jars import Jars, endpoint_settings, format_jars, s3a_jars
from batch_transform.pipeline.world.s3a_access import EXTERNAL_ID, s3a_settings
from batch_transform.pipeline.world.spark_home import SparkHome

RESOLVED_FILE, COMMAND_FILE, FALLBACK_FILE, LIB, LIB_ZIP, LOGGING_FILE, IVY_FILE = (
    "resolved.json",
    "command.json",
    "fallback.json",
    "lib",
    "lib.zip",
    "log4j2.properties",
    "ivysettings.xml",
)
WORKER_DAEMON = "batch_transform.pipeline.submit.worker_daemon"
# By which a person says where Spark runs, or what its Python is and where that finds modules.
_VARIABLES = ("MASTER", "SPARK_REMOTE")
_SETTINGS = (PYTHON, DRIVER_PYTHON, EXECUTORS_PYTHON, "spark.submit.pyFiles", "spark.executorEnv.PYTHONPATH")


@dataclass(frozen=True)
class Folders:
    """Folders and files of one submission: where it writes, the entry point, the source root."""

    work: Path
    entry: Path
    lib: Path


def finds_files(
    given: SparkArguments, rest: Sequence[str], home: SparkHome, places: Folders, environ: Mapping[str, str]
) -> bool:
    """Returns whether all processes of a run find its modules as files of this machine (`LIB`), and none needs a zip.

    Only where nothing is said by which they might be elsewhere, or look elsewhere first: a zip is found by all of them.

    Args:
        given: the arguments for spark-submit.
        rest: what else it is told.
        home: the Spark that is submitted to.
        places: of the submission.
        environ: of who calls it.
    """
    script = configured(home, environ, "spark-env.sh")
    is_plain = not rest and not any(map(environ.get, _VARIABLES)) and not any(map(given.setting, _SETTINGS))
    # With a folder for all that is compiled, each run would leave there what it compiles of its copy.
    is_named = os.pathsep not in str(places.work) and sys.pycache_prefix is None
    return given.in_one_process and is_plain and is_named and (script is None or not script.exists())


def full_arguments(
    config: RunConfig, given: SparkArguments, home: SparkHome, places: Folders, environ: Mapping[str, str]
) -> SparkArguments:
    """Returns the arguments with all that the run needs beside its modules; what was given wins, lists are joined."""
    arguments = given
    for key, value in interpreter_settings(given, environ, sys.executable).items():
        arguments = arguments.with_default(key, value)
    for key, value in (ALWAYS | (ON_A_LAPTOP if given.local else {})).items():
        arguments = arguments.with_default(key, value)
    if given.in_cluster:
        arguments = arguments.with_added("spark.files", [str(places.work / RESOLVED_FILE)])
    # Told none, spark-submit takes the entry point's, and YARN shows that one before there is a session.
    arguments = arguments.with_default("spark.app.name", application_name(config.run_id))
    versions = home.versions()
    for key, value in s3a_settings(config, versions.hadoop).items():
        if key != EXTERNAL_ID:  # which the session is told: no command line has it that others see
            arguments = arguments.with_default(f"spark.hadoop.{key}", value)
    if not given.local:
        for key, value in ({} if home.reads_s3 else endpoint_settings(config, environ)).items():
            arguments = arguments.with_default(key, value)
        return arguments
    own = given.setting("spark.jars.packages") or ""
    for jars in (*format_jars(config, versions, own), s3a_jars(config, versions, environ)):
        arguments = _with_jars(arguments, jars)
    fetches = arguments.setting("spark.jars.packages") and not arguments.setting(IVY_FOLDER)
    if fetches and (folder := ivy_folder(environ)):
        arguments = arguments.with_default(IVY_FOLDER, folder)
    # Packages of a user's own may lie in more places. Spark takes it for a URI (`MavenUtils.loadIvySettings`, of Spark
    # 3.5 and 4), which a path with a blank is not, and with a percent sign is another.
    return arguments if own else arguments.with_default("spark.jars.ivySettings", (places.work / IVY_FILE).as_uri())


def _with_jars(arguments: SparkArguments, jars: Jars) -> SparkArguments:
    arguments = arguments.with_added("spark.jars.packages", jars.packages)
    arguments = arguments.with_added("spark.jars.excludes", jars.excludes)
    for key, value in jars.settings.items():
        if key == "spark.sql.extensions":
            arguments = arguments.with_added(key, [value])
        else:
            arguments = arguments.with_default(key, value)
    return arguments


def environment(
    config: RunConfig, arguments: SparkArguments, places: Folders, home: SparkHome, environ: Mapping[str, str]
) -> dict[str, str]:
    """Returns the variables that spark-submit gets beside those that are there."""
    if arguments.in_cluster:
        return {}
    # `python` in a model's command is then the interpreter of the run.
    added = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}"}
    added["LOG4J_CONFIGURATION_FILE"] = environ.get("LOG4J_CONFIGURATION_FILE", str(places.work / LOGGING_FILE))
    if locale.setlocale(locale.LC_CTYPE) == "C":
        # LC_ALL is C, or not installed here: in it the JVM has a question mark for each other letter of a path.
        added["LC_ALL"] = "C.UTF-8"
    if config.aws.profile is not None and not config.emulated:
        added["AWS_PROFILE"] = config.aws.profile
    if not arguments.local:
        return added | {"PYSPARK_DRIVER_PYTHON": environ.get("PYSPARK_DRIVER_PYTHON", sys.executable)}
    # Workers that another interpreter runs miss pyarrow.
    added |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    added["SPARK_LOCAL_IP"] = environ.get("SPARK_LOCAL_IP", "127.0.0.1")
    return added | ({"SPARK_HOME": str(home.home)} if home.home else {})
