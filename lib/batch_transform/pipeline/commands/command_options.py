"""The commands and their options, as data: what the argument parser and the command line are made of."""

from __future__ import annotations

from typing import NamedTuple

from batch_transform.deploy.targets import target_names

# The field of the command line, the name of its value (None: a switch), and what is said of it.
SMOKE_OPTIONS: dict[str, tuple[str, str | None, str]] = {
    "--bucket": ("bucket", "NAME", "where model and rows are put; s3://NAME/PREFIX for below a prefix"),
    "--role": ("role", "ARN", "as which the model runs; it must be allowed to read and write there"),
    "--image": ("image", "URI", "of the model's container; default: AWS's scikit-learn of the region"),
    "--instance-type": ("instance_type", "TYPE", "of the jobs; default: ml.m5.large"),
    "--price-per-hour": ("price_per_hour", "USD", "of one instance, by which the cost is told"),
    "--only": ("only", "SWITCH", "asks for this switch of the emulator alone, and scores no rows"),
    "--keep": ("keep", None, "leaves models and objects, which are else removed, also on Ctrl-C"),
}
SMOKE_WAYS = """\
AWS is reached as by any AWS client (AWS_PROFILE, AWS_REGION; --set aws.profile=NAME). The caller must be allowed
  s3:ListBucket, GetObject, PutObject, DeleteObject     on the bucket, below batch-transform-smoke/
  sagemaker:CreateModel, DescribeModel, DeleteModel     on batch-transform-*
  sagemaker:CreateTransformJob, DescribeTransformJob, StopTransformJob     the same
  logs:DescribeLogStreams, GetLogEvents                 on /aws/sagemaker/TransformJobs
  iam:PassRole                                          on the role
and the role s3:ListBucket, GetObject and PutObject there, the writing of that log group, and the pull of the image.

Up to twelve small jobs run side by side, or one after the other where the quota allows no more; each takes minutes, of
which its start is most. With --only, which may be given several times, no more is run than tells those switches.

The report has, for each switch of the emulator (transform-emulator --list-switches), what the service did and from what
that is told. It names no account, no bucket and no role, and can be attached to an issue."""

RUN, RESUME, STATUS, STOP, CLEAN, PLAN, COMPARE = "run", "resume", "status", "stop", "clean", "plan", "compare"
IAM = "iam"
ROWS_SENT, TOLERANCE = 1_000, 1e-6  # of compare: the last bits of a sum depend on how many rows a model takes at once
FOR, WHOM = "--for", ("driver", "executors", "model")  # whom a policy document is for
# A run in steps, each of which ends at once.
PREPARE, SUBMIT, COLLECT = "prepare", "submit", "collect"
# What prints for a person: what was recorded, and a first run file.
LIST, SHOW, ERRORS, LOGS, REPORT, INIT = "list", "show", "errors", "logs", "report", "init"
VIEWS = (LIST, SHOW, ERRORS, LOGS, REPORT, INIT)
PACKAGE, SMOKE = "package", "smoke"
STEPS = (PREPARE, SUBMIT, COLLECT)
# Those that Spark has no part in.
WITHOUT_SPARK = (STATUS, STOP, CLEAN, COMPARE, IAM, PACKAGE, SMOKE, *VIEWS)
# Those that begin with a run file and not with a run that is there.
OF_A_RUN_FILE = (RUN, PLAN, PREPARE, IAM)
NO_MERGE, RETRY_DEAD, ROWS = "--no-merge", "--retry-dead", "--rows"
ACCEPT_MODEL, ACCEPT_EXPECTATIONS = "--accept-model", "--accept-expectations"
LIMIT, EXACT, SHOW_RECORD = "--limit", "--exact", "--show-record"
OLDER_THAN, LIFECYCLE, UNFINISHED = "--older-than", "--lifecycle", "--unfinished"
DRY_RUN, TARGET, LOG_FORM = "--dry-run", "--target", "--log"
HELP, VERSION = ("-h", "--help"), "--version"
TABLE, JSON = "table", "json"  # as what `-o` prints; of `--log` they are those of `pipeline/telling.py`
_FILE, _FOLDER, _WORKSPACE = "RUNFILE", "RUN", "WORKSPACE"
_FOLDER_EXAMPLE = "s3://my-bucket/scoring/churn-2024-05-01"


class Command(NamedTuple):
    """What is said of a command: its sentence, and the arguments of an example."""

    subject: str
    sentence: str
    example: str


COMMANDS = {
    RUN: Command(_FILE, "Scores a table as a run file says; `run` may be left out.", "conf/demo.yml"),
    RESUME: Command(_FOLDER, "Goes on with a run, without its run file.", _FOLDER_EXAMPLE),
    PLAN: Command(_FILE, "Prints what a run would do, and does nothing.", "conf/demo.yml"),
    PREPARE: Command(
        _FILE,
        "The first step of a run: stages and exports the rows, plans the jobs.",
        "conf/emr.yml --var ds=2024-05-01",
    ),
    SUBMIT: Command(_FOLDER, "The second step of a run: creates the jobs.", _FOLDER_EXAMPLE),
    COLLECT: Command(
        _FOLDER,
        "The last step, again and again until `published`: looks at the jobs once, and goes on as far as it can.",
        _FOLDER_EXAMPLE,
    ),
    LIST: Command(_WORKSPACE, "Lists the runs of a workspace.", "s3://my-bucket/scoring"),
    SHOW: Command(_FOLDER, "Shows a run: what it is, how far it has come, its jobs, what failed.", _FOLDER_EXAMPLE),
    ERRORS: Command(
        _FOLDER,
        "Shows what failed in a run by class, what to do, and examples in the model's own words, which may quote rows.",
        _FOLDER_EXAMPLE,
    ),
    LOGS: Command(
        _FOLDER, "Shows what the containers of a run's jobs wrote last, which may quote rows.", _FOLDER_EXAMPLE
    ),
    REPORT: Command(
        _FOLDER,
        "Draws a run's report as a page anew, from what is recorded, and prints where it is.",
        f"{_FOLDER_EXAMPLE} --output report.html",
    ),
    STATUS: Command(
        _FOLDER, "Prints how far a run has come, as its report in JSON, with what its end said.", _FOLDER_EXAMPLE
    ),
    STOP: Command(_FOLDER, "Stops the jobs of a run, which can be resumed.", _FOLDER_EXAMPLE),
    CLEAN: Command(
        _FOLDER,
        "Removes all of a run, or with --older-than of a workspace's runs, but ledger and reports; or their rows.",
        "s3://my-bucket/scoring --older-than 30",
    ),
    COMPARE: Command(
        _FOLDER,
        "Sends some rows of a run to a real-time endpoint and compares its answers.",
        f"{_FOLDER_EXAMPLE} --endpoint churn-v7 --rows 1000",
    ),
    IAM: Command(
        _FILE,
        "Prints the least that driver, executors and the model's role must be allowed, as policy documents.",
        "conf/emr.yml --var ds=2024-05-01 --for driver",
    ),
    PACKAGE: Command(
        "",
        "Makes the wheel, the archive of what Python workers need, and the entry point, to be given to a cluster.",
        "--target emr --python 3.11",
    ),
    INIT: Command(
        "[FILE]",
        "Writes a first run file for a Parquet file or table and a model, to FILE or to standard output.",
        "churn.yml --input s3://my-bucket/customers/ --model churn-v7",
    ),
    SMOKE: Command(
        "",
        "Scores 1,000 rows in a real account, and tells what the service does where no source says it.",
        "--bucket my-bucket --role arn:aws:iam::111122223333:role/model --price-per-hour 0.115",
    ),
}


class Option(NamedTuple):
    """An option of ours: the field of the command line, its value's name (None: a switch), whose it is ((): all's)."""

    field: str
    value: str | None
    owners: tuple[str, ...]
    help: str


_TARGETS = ", ".join(target_names())
OWN = {
    "--var": Option(
        "variables", "NAME=VALUE", (), "what ${NAME} in the run file stands for; else the environment says"
    ),
    "--set": Option("sets", "KEY=VALUE", (), "overrides a key: --set output.mode=append --set 'record.columns=[age]'"),
    "--emulator": Option(
        "emulator_models",
        "MODEL=COMMAND|URL",
        (),
        "runs against the embedded emulator; the model is a command that serves /ping and /invocations on "
        "SAGEMAKER_BIND_TO_PORT, or the URL of a server that runs already",
    ),
    OLDER_THAN: Option("older_than", "DAYS", (CLEAN,), "all runs of a workspace that were last at work before"),
    LIFECYCLE: Option(
        "lifecycle",
        "DAYS",
        (CLEAN,),
        "prints the one lifecycle rule by which S3 forgets the rows of a workspace's runs",
    ),
    DRY_RUN: Option(
        "dry_run", None, (RUN, RESUME, CLEAN), "tells what would be done, uploaded or removed, and does nothing of it"
    ),
    LIMIT: Option(
        "limit",
        "N",
        (RUN,),
        "scores N rows through the whole pipeline, as a run of its own, <run_id>-limit-N, whose result stays in its "
        "own folder: for a first look, and for the rate by which plan tells time and money",
    ),
    EXACT: Option("exact", None, (PLAN,), "renders every record: rows and bytes are then no estimate"),
    SHOW_RECORD: Option(
        "show_record", None, (PLAN,), "shows the first record as it would be sent, with a row's values"
    ),
    TARGET: Option(
        "target",
        "NAME",
        (RUN, RESUME, PACKAGE),
        f"where the run is started: {_TARGETS}; else deploy.target says",
    ),
    "--dist": Option(
        "dist", "FOLDER", (RUN, RESUME, PACKAGE), "where package writes, and run looks for it; default: dist"
    ),
    "--python": Option("python", "VERSION|PATH", (PACKAGE,), "that the workers have; default: the one that runs this"),
    UNFINISHED: Option("unfinished", None, (CLEAN,), "also a run that is not published, and is given up"),
    NO_MERGE: Option("no_merge", None, (COLLECT,), "ends, as `settled`, where the merge would begin Spark"),
    RETRY_DEAD: Option("retry_dead", None, (RESUME,), "sends the dead rows again of a run that is not published"),
    ACCEPT_MODEL: Option(
        "accept_model", None, (RUN, RESUME, SUBMIT, COLLECT), "goes on although the model is another one than before"
    ),
    ACCEPT_EXPECTATIONS: Option(
        "accept_expectations", None, (RUN, RESUME, COLLECT), "publishes predictions that are not as `expect` says"
    ),
    LOG_FORM: Option(
        "log",
        "FORM",
        (RUN, RESUME, PLAN, PREPARE, SUBMIT, COLLECT),
        "text (default): drawn on a terminal, in lines elsewhere; or json, an event a line, on standard error",
    ),
    "-o": Option(
        "form",
        "FORM",
        (RUN, RESUME, PLAN, *STEPS, LIST, SHOW, ERRORS, LOGS, REPORT),
        "table (default), for a person, or json, one line of it: what is no terminal gets a run's or a plan's anyhow",
    ),
    "--output": Option(
        "page", "FILE", (REPORT, INIT), "where the page is written, also s3://...; default: RUN-report.html"
    ),
    "--job": Option("job", "NAME", (LOGS,), "that job alone; default: those that failed last, else the latest one"),
    "--lines": Option("lines", "N", (LOGS,), "how many lines of each log stream; default: 20"),
    FOR: Option("document", "WHOM", (IAM,), f"prints one document alone, for: {', '.join(WHOM)}"),
    "--endpoint": Option("endpoint", "NAME", (COMPARE,), "the endpoint"),
    ROWS: Option("rows", "N", (CLEAN, COMPARE), f"how many rows are sent; default: {ROWS_SENT:,}"),
    **{flag: Option(name, value, (SMOKE,), words) for flag, (name, value, words) in SMOKE_OPTIONS.items()},
    "--input": Option(
        "input", "PATH|TABLE", (INIT,), "the table: a Parquet file, a folder of them, a Delta table; also s3://..."
    ),
    "--model": Option("model", "NAME", (INIT,), "the SageMaker model"),
    "--workspace": Option("workspace", "S3URI", (INIT,), "where runs are kept; default: suggested, to be looked at"),
    "--tolerance": Option(
        "tolerance", "X", (COMPARE,), f"of two numbers, the difference that is none; default: {TOLERANCE:g}"
    ),
}

# What is one command's is another one to another.
OTHERWISE = {
    (CLEAN, ROWS): Option("rows_only", None, (CLEAN,), "forgets what holds rows, and leaves manifests and parts"),
    (INIT, "--output"): Option("result", "PATH", (INIT,), "where the result goes; default: beside the input, _scored"),
    (PACKAGE, TARGET): Option(
        "target", "NAME", (PACKAGE,), f"for what: {_TARGETS}; default: all that any of them needs"
    ),
}
# Of the options of all commands those that one lacks, and what is told to whoever gives it one.
LACKED: dict[str, tuple[tuple[str, ...], str]] = {
    PACKAGE: (("--var", "--set", "--emulator"), "it reads no run file, and --target names what is packaged for"),
    SMOKE: (("--var", "--emulator"), "an emulator that runs is named by AWS_ENDPOINT_URL"),
}


def option_of(flag: str, command: str) -> Option:
    """Returns what an option of ours is to a command."""
    return OTHERWISE.get((command, flag), OWN[flag])


def has_option(command: str, flag: str) -> bool:
    """Returns whether a command has an option of ours."""
    return command in (OWN[flag].owners or COMMANDS) and not (command in LACKED and flag in LACKED[command][0])
