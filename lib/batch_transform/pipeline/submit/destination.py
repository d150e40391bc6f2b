"""Where a run is to be started, and what spark-submit is told so that it starts there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.deploy.port import ENVIRONMENT, Keys, SparkTarget, Target
from batch_transform.deploy.port import PYTHON as PYTHON_INSIDE
from batch_transform.deploy.targets import target_named
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import RESUME, RUN
from batch_transform.pipeline.commands.package import ARCHIVE, dist_of
from batch_transform.pipeline.commands.spark_submit_arguments import SparkArguments, parse_properties
from batch_transform.pipeline.places import DATABRICKS_VARIABLE
from batch_transform.pipeline.submit.fetched_files import fetched
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.local_repository import check_local_repository
from batch_transform.pipeline.world.package_data import SCHEME
from batch_transform.pipeline.world.spark_home import SparkHome, find_spark
from batch_transform.s3.store import S3Store

# YARN would run a refused run a second time. And PySpark 4 tells the JVM at each call where in Python it was made: that
# takes ten times as long as the call, of which there are some for each column, and no message of ours tells it.
ALWAYS = {"spark.yarn.maxAppAttempts": "1", "spark.python.sql.dataFrameDebugging.enabled": "false"}
ON_A_LAPTOP = {
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
}
# What a person should see is what the run itself says; `--conf spark.log.level=INFO` brings Spark's words back.
LOG4J = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""
PYTHON, DRIVER_PYTHON = "spark.pyspark.python", "spark.pyspark.driver.python"
EXECUTORS_PYTHON, APPLICATION_MASTERS_PYTHON = (
    "spark.executorEnv.PYSPARK_PYTHON",
    "spark.yarn.appMasterEnv.PYSPARK_PYTHON",
)
_OF_A_PLACE = ("--master", "--remote", "--deploy-mode")


def destination(asked: CommandLine, config: RunConfig, environ: Mapping[str, str]) -> Target | None:
    """Returns the target of a run; None: it is wherever the master, or this process, is.

    What the command line says wins over `deploy.target`: a target, a master, an emulator on this machine.
    """
    if asked.command not in (RUN, RESUME):
        return None
    if asked.target:
        return target_named(asked.target[-1])
    # On a Databricks cluster, whose task is the run: what is started there starts nothing elsewhere.
    on_databricks = DATABRICKS_VARIABLE in environ
    is_placed = any(name in _OF_A_PLACE for name, _ in asked.spark) or config.emulated or on_databricks
    return None if is_placed or config.deploy.target is None else target_named(config.deploy.target)


def keys_of(config: RunConfig) -> Keys:
    """Returns what a run file says to its targets."""
    given = config.deploy
    return Keys(given.cluster_id, given.application_id, given.execution_role_arn)


def spark_arguments(asked: CommandLine, home: SparkHome, environ: Mapping[str, str]) -> SparkArguments:
    """Returns the arguments for spark-submit that were given, over the properties file that it would read."""
    given = SparkArguments(asked.spark, {})
    named = [value for name, value in asked.spark if name == "--properties-file"]
    path = Path(named[-1] or "") if named else configured(home, environ, "spark-defaults.conf")
    defaults = parse_properties(path.read_text(encoding="utf-8")) if path is not None and path.is_file() else {}
    return SparkArguments(given.options, defaults)


def configured(home: SparkHome, environ: Mapping[str, str], name: str) -> Path | None:
    """Returns the path of a file of Spark's configuration, which may not be there; None: its folder is not known."""
    folder = environ.get("SPARK_CONF_DIR") or (str(home.home / "conf") if home.home else "")
    return Path(folder) / name if folder else None


def check_machine(config: RunConfig, arguments: SparkArguments) -> None:
    """Raises ConfigurationError for what a run can have on this machine only, when Spark is elsewhere.

    When it is here, for jars that are asked for and that it would not find.
    """
    master = arguments.setting("spark.remote") or arguments.setting("spark.master")
    if not arguments.local and (faults := faults_elsewhere(config, f"master is {master}")):
        raise ConfigurationError(faults)
    if arguments.local and not arguments.setting("spark.jars.ivySettings"):
        check_local_repository(arguments.setting("spark.jars.packages") or "", Path.home())


def faults_elsewhere(config: RunConfig, where: str) -> list[str]:
    """Returns a line for each thing that a run has on this machine only; `where` it is instead, as a sentence ends."""
    faults = []
    if config.emulated:
        faults.append(f"emulator: listens on this machine only, the {where}; give --set emulator=null")
    if config.input is not None and (config.input.path or "").startswith(SCHEME):
        faults.append(f"input.path: {config.input.path} lies on this machine only, the {where}")
    return faults


def placed_arguments(
    asked: CommandLine, config: RunConfig, target: SparkTarget | None, work: Path, environ: Mapping[str, str]
) -> tuple[SparkHome, SparkArguments]:
    """Returns the Spark that is submitted to, and its arguments as they were given, at their target.

    Raises:
        ConfigurationError: there is no Spark, or what a target needs is not there.
    """
    # Whether Spark is local can be said without knowing which Spark it is, but for its properties file.
    is_local = SparkArguments(asked.spark, {}).local if target is None else target.master.startswith("local")
    home = find_spark(environ, local=is_local)
    given = spark_arguments(asked, home, environ)
    if target is not None:
        given = targeted(given, target, asked, environ)
    if not home.reads_s3 and not asked.dry_run:
        given = fetched(given, work, lambda: S3Store(access_of(config, None, environ).client("s3")))
    return home, given


def targeted(
    given: SparkArguments, target: SparkTarget, asked: CommandLine, environ: Mapping[str, str]
) -> SparkArguments:
    """Returns spark-submit's arguments with the target's master and the archive that its workers need.

    Args:
        given: the arguments so far; what they say holds.
        target: where the run is started.
        asked: the command line, which may say where the archive lies.
        environ: which may name an interpreter that the workers have.

    Raises:
        ConfigurationError: the master is not the target's, or there is no archive.
    """
    arguments = given.with_default("spark.master", target.master) if target.master else given
    master = arguments.setting("spark.master") or ""
    if fault := target.master_fault(master):
        raise ConfigurationError(
            f"--master: for target {target.name} it {fault}" + (f"; it is {master}" if master else "")
        )
    if not target.takes_archive or _interpreter(arguments, environ) is not None:
        return arguments
    return arguments.with_added("spark.archives", [f"{packaged_archive(asked, target)}#{ENVIRONMENT}"])


def packaged_archive(asked: CommandLine, target: Target) -> Path:
    """Returns the archive that `package` has made.

    Raises:
        ConfigurationError: there is none.
    """
    archive = dist_of(asked) / ARCHIVE
    if not archive.is_file():
        raise ConfigurationError(
            f"{archive}: is not there, and workers of {target.name} need its packages; `batch-transform package "
            f"--target {target.name}` makes it. Or give --archives FILE#{ENVIRONMENT} with one of your own, or "
            f"--conf {PYTHON}=PATH of a Python on the workers that has pandas, pyarrow and boto3"
        )
    return archive.resolve()


def interpreter_settings(given: SparkArguments, environ: Mapping[str, str], driver: str) -> dict[str, str]:
    """Returns the settings that name the interpreters, which hold unless they are given.

    In client mode Spark sends the workers what `spark.pyspark.python` names, else the path of the driver's own, and
    starts the driver by it too, where nothing else is said; `spark.executorEnv.PYSPARK_PYTHON` alone says nothing.

    Args:
        given: the arguments of spark-submit.
        environ: of who calls it.
        driver: the interpreter of a driver on this machine.
    """
    workers = _interpreter(given, environ)
    if workers is None or given.local:
        return {}
    settings = {PYTHON: workers, EXECUTORS_PYTHON: workers}
    if given.in_cluster:
        return settings | {APPLICATION_MASTERS_PYTHON: workers}
    return settings | {DRIVER_PYTHON: environ.get("PYSPARK_DRIVER_PYTHON", driver)}


def _interpreter(given: SparkArguments, environ: Mapping[str, str]) -> str | None:
    """What a person has named, in whichever of the ways that there are, or the interpreter of an archive."""
    named = [PYTHON, *([APPLICATION_MASTERS_PYTHON] if given.in_cluster else []), EXECUTORS_PYTHON]
    said = [*map(given.setting, named), None if given.in_cluster else environ.get("PYSPARK_PYTHON")]
    inside = [PYTHON_INSIDE] if has_environment(given) else []
    return next((each for each in [*said[:1], *inside, *said[1:]] if each), None)


def has_environment(given: SparkArguments) -> bool:
    """Returns whether an archive of packages is among the arguments, by the name that it is given."""
    archives = (given.setting("spark.archives") or given.setting("spark.yarn.dist.archives") or "").split(",")
    return any(each.strip().endswith(f"#{ENVIRONMENT}") for each in archives)
