"""An error becomes words, a report and an exit code in one piece, whichever way in was taken."""

from __future__ import annotations

import json
import socket
import traceback
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pytest
from botocore.exceptions import NoCredentialsError
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
from py4j.protocol import Py4JError, Py4JNetworkError

from batch_transform.core import errors
from batch_transform.core.events import Event
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands import dispatch
from batch_transform.pipeline.ending.exits import ended, exit_of, typed_errors
from batch_transform.pipeline.handshake import EXIT_FILE_VARIABLE, REPORT_FILE_VARIABLE, Handshake
from batch_transform.pipeline.submit import console_script, job, submission
from batch_transform.pipeline.telling import tell_terminal
from batch_transform.s3.s3_errors import s3_errors
from batch_transform.sagemaker.jobs import TransformJobs

ROW = "ROWVALUE-7731"
URI = "s3://bucket/runs/a"
# What each error ends as: exit code and status of the report.
ENDS = {
    errors.ConfigurationError("a"): (2, RunStatus.REFUSED),
    errors.OtherRows("a"): (2, RunStatus.REFUSED),
    errors.ErrorBudgetExceeded(["a"]): (3, RunStatus.OVER_BUDGET),
    errors.HeldBack(["a"], ["To go on: b"]): (3, RunStatus.FAILED),
    errors.OverCost(["a"]): (3, RunStatus.OVER_COST),
    errors.UnexpectedPredictions(["a", "b"], ["To accept: c"]): (3, RunStatus.UNEXPECTED_PREDICTIONS),
    errors.ServiceFailure("a"): (4, RunStatus.FAILED),
    errors.GateRefused("a"): (4, RunStatus.FAILED),
    errors.PublishedUnverified("a"): (4, RunStatus.UNVERIFIED),
    errors.RunHeld("lease", "b", "s3://b/r"): (4, RunStatus.HELD),
    errors.LedgerFenced("a"): (4, RunStatus.FENCED),
    errors.RunStopped("a"): (143, RunStatus.INTERRUPTED),
    errors.Interrupted(2): (130, RunStatus.INTERRUPTED),
    errors.StopRequested(): (143, RunStatus.INTERRUPTED),
    RuntimeError("a"): (4, RunStatus.FAILED),
}


@pytest.mark.parametrize("err", ENDS, ids=lambda err: type(err).__name__)
def test_an_error_has_one_exit_code_and_one_status(err):
    found = exit_of(err)
    assert (found.code, found.status) == ENDS[err]
    assert found.report("r") == {
        "run_id": "r",
        "status": found.status.value,
        "error": [*found.lines, *found.ways],
        "report": None,
        **({"ways": list(found.ways)} if found.ways else {}),
    }


def test_every_error_of_ours_says_how_it_ends():
    """Who adds a class meets this test: what it ends as is said here, or is a failure like any other."""
    said = {type(err) for err in ENDS}
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BaseException)}
    with_report = {errors.PredictionsDiffer, errors.SmokeInterrupted}
    for kind in kinds - said - with_report:
        assert (kind.exit_code, kind.status) == (4, RunStatus.FAILED)
    assert with_report <= kinds


def test_a_smoke_that_a_signal_ends_has_its_own_report_and_the_signals_exit_code():
    report = {"status": "interrupted", "error": ["a"], "left": []}
    found = exit_of(errors.SmokeInterrupted(15, report))
    assert (found.code, found.status, found.report()) == (143, RunStatus.INTERRUPTED, report)


class OfSpark(Exception):
    """As PySpark's are seen from here."""

    def getErrorClass(self):
        return str(self).partition("]")[0].removeprefix("[")


@pytest.mark.parametrize(("words", "code"), [("[CAST_INVALID_INPUT] no", 2), ("[ODD] no", 4), ("no", 4)])
def test_what_spark_refuses_for_ever_is_a_refusal_until_a_run_is_held(words, code):
    """A run that is held may have paid for jobs, and exit code 2 says that nothing was."""
    assert exit_of(OfSpark(words), is_begun=False).code == code
    assert exit_of(OfSpark(words)).code == 4
    with pytest.raises(errors.BatchTransformError) as raised, typed_errors(is_begun=False):
        raise OfSpark(words)
    assert raised.value.exit_code == code


QUOTED = "1 validation error: {TOKEN=hunter2}"


@pytest.mark.parametrize(
    "err",
    [
        errors.ServiceFailure(QUOTED),
        errors.ConfigurationError([QUOTED]),
        errors.OverCost([QUOTED], [QUOTED]),
        OSError(QUOTED),
    ],
    ids=repr,
)
def test_a_secret_that_a_service_quotes_is_told_by_no_way_out(err):
    found = exit_of(err, secrets=["hunter2"])
    assert [*found.lines, *found.ways] == found.report()["error"]
    assert "hunter2" not in " ".join(found.ways)
    assert "{TOKEN=<secret>}" in found.lines[0]
    for raised in (err, errors.ServiceFailure("says nothing")):
        shown = shown_by(raised)
        assert "hunter2" not in shown.replace('"hunter2"', "")


def shown_by(err):
    """What a notebook shows of an error with a cause that quotes."""
    with pytest.raises(errors.BatchTransformError) as caught, typed_errors(secrets=["hunter2"]):
        raise err from KeyError(QUOTED)
    return "".join(traceback.format_exception(caught.value))


def test_what_a_comparison_found_is_its_report():
    found = exit_of(errors.PredictionsDiffer("3 differ", {"status": "different", "rows_different": 3}))
    assert (found.code, found.report()) == (3, {"status": "different", "rows_different": 3})


QUOTING = {
    "ValueError": lambda: int(ROW),
    "KeyError": lambda: {}[ROW],
    "UnicodeEncodeError": f"{ROW}\ud800".encode,
    "ArrowInvalid": lambda: pa.array([ROW]).cast(pa.int64()),
    "ArrowTypeError": lambda: pa.array([{"a": 1}, ROW], pa.struct([("a", pa.int64())])),
    "JSONDecodeError": lambda: json.loads(f"{{{ROW}"),
}


@pytest.mark.parametrize("name", QUOTING)
def test_an_error_that_nobody_named_tells_class_and_place_and_quotes_nothing(name, capsys):
    with pytest.raises(Exception) as raised:
        QUOTING[name]()
    found = exit_of(raised.value)
    (line,) = found.lines
    assert line.startswith(f"{name} at ")
    assert "what it says may quote a row, and is left out" in line
    found.tell()
    shown = capsys.readouterr().err
    assert shown.count("Traceback") >= 1
    assert ROW not in shown + line


def test_an_error_that_nobody_named_tells_its_last_cause_and_not_what_wraps_it_alone():
    def raised(last):
        try:
            try:
                raise last
            except Exception as err:
                raise RuntimeError("between") from err
        except RuntimeError as err:
            between = err
        with pytest.raises(RuntimeError) as outer:
            raise RuntimeError("wrapped") from between
        return exit_of(outer.value).lines

    assert raised(OSError("disk full")) == ("RuntimeError: wrapped, because of OSError: disk full",)
    (line,) = raised(ValueError(ROW))
    assert line.startswith("RuntimeError: wrapped, because of ValueError at ")
    assert ROW not in line


@pytest.mark.parametrize(("is_begun", "code"), [(False, 2), (True, 4)])
def test_a_folder_that_was_removed_is_told_and_no_stack(is_begun, code, monkeypatch, tmp_path, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError) as raised:
        Path("kept").absolute()
    found = exit_of(raised.value, is_begun=is_begun)
    assert found.lines[0].startswith("the folder in which this was begun is there no more")
    assert (found.code, found.stack) == (code, "")
    with pytest.raises(errors.BatchTransformError, match="give the same command in another one"), typed_errors():
        Path("kept").absolute()
    assert capsys.readouterr().err == ""


def unreached_jvm():
    """Py4J before a port at which no JVM listens any more."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    gateway = ClientServer(JavaParameters(port=port), PythonParameters(port=0))
    try:
        gateway.jvm.java.lang.System.currentTimeMillis()
    finally:
        gateway.shutdown()


def cut_short():
    raise Py4JError("An error occurred while calling o91.count")


def lost():
    raise Py4JNetworkError("Answer from Java side is empty")


@pytest.mark.parametrize("asked", [unreached_jvm, cut_short, lost])
def test_a_jvm_that_has_ended_is_told_and_no_stack(asked, capsys):
    """The user's own, perhaps, under `score()`: the error was that a connection is refused, below two stacks."""
    with pytest.raises(errors.ServiceFailure, match="Spark's JVM has ended") as raised, typed_errors():
        asked()
    assert "spark.driver.memory" in str(raised.value)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "err", [ConnectionRefusedError("S3"), Py4JError("An error occurred while calling o1.get. Trace:\njava.lang.Error")]
)
def test_another_connection_or_what_java_raises_is_no_end_of_the_jvm(err):
    with pytest.raises(errors.ServiceFailure) as raised, typed_errors():
        raise err
    assert "JVM" not in str(raised.value)


def test_an_error_in_a_notebook_is_one_of_ours_and_its_chain_quotes_nothing(capsys):
    with pytest.raises(errors.ServiceFailure) as raised, typed_errors():
        int(ROW)
    assert ROW not in "".join(traceback.format_exception(raised.value)) + capsys.readouterr().err
    with pytest.raises(errors.RunHeld), typed_errors():
        raise errors.RunHeld("lease", "b", "s3://b/r")
    with pytest.raises(KeyboardInterrupt), typed_errors():
        raise KeyboardInterrupt


# Each way in, with an error from within: exit code and report.
def by_console(monkeypatch, capsys, tmp_path, err):
    monkeypatch.setattr(console_script, "_done", raising(err))
    code = console_script.exit_code(["status", URI])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def by_wrapper(monkeypatch, capsys, tmp_path, err):
    monkeypatch.setattr(submission, "submit", raising(err))
    code = submission.main([str(tmp_path), "score.py", "status", URI], {"BATCH_TRANSFORM_PROGRAM": "batch-transform"})
    return code, json.loads((tmp_path / "fallback.json").read_text()), capsys.readouterr().err


def by_job(monkeypatch, capsys, tmp_path, err):
    monkeypatch.setenv(REPORT_FILE_VARIABLE, str(tmp_path / "report"))
    monkeypatch.setenv(EXIT_FILE_VARIABLE, str(tmp_path / "exit"))
    monkeypatch.setattr(job, "run", raising(err))
    code = job.main()
    assert (tmp_path / "exit").read_text() == f"{code}\n"
    return code, json.loads((tmp_path / "report").read_text()), capsys.readouterr().err


def raising(err):
    def fail(*arguments):
        raise err

    return fail


@pytest.mark.parametrize("way", [by_console, by_wrapper, by_job])
@pytest.mark.parametrize("err", [e for e in ENDS if isinstance(e, Exception)], ids=lambda err: type(err).__name__)
def test_every_way_in_has_the_same_way_out(way, err, monkeypatch, capsys, tmp_path):
    """The report for a program, and the same lines, once, for a person."""
    code, report, said = way(monkeypatch, capsys, tmp_path, err)
    assert (code, report) == (exit_of(err).code, exit_of(err).report())
    told = [line for line in said.splitlines() if line.startswith("[batch-transform]")]
    label = "end   " if report["status"] == "interrupted" else "error:"
    # What goes on stands last, with what else a run's report says, and is no error.
    lines = [line for line in report["error"] if line not in exit_of(err).ways]
    assert told == [f"[batch-transform] {label}    {line}" for line in lines]


FORGED = "no\x1b[31m \u202e\u200b\x85\u2028\n[batch-transform] publish   s3://elsewhere\t\x7f"


def test_foreign_text_can_neither_colour_nor_turn_nor_forge_a_line_of_the_terminal(capsys):
    for err in (errors.ServiceFailure(FORGED), errors.ConfigurationError([FORGED, "b"]), OSError(FORGED)):
        exit_of(err).tell()
    tell_terminal(Event("end", FORGED))
    said = capsys.readouterr().err
    lines = said.removesuffix("\n").split("\n")
    assert len([line for line in lines if line.startswith("[batch-transform] error:")]) == 4
    assert len([line for line in lines if line.startswith("[batch-transform] end")]) == 1
    assert not [line for line in lines if line.startswith("[batch-transform] publish")]
    assert said.replace("\n", "").isprintable()


def test_foreign_text_in_a_report_is_escaped_and_read_back_as_it_was(tmp_path):
    handshake = Handshake(report_file=tmp_path / "report")
    document = {"output": FORGED, "name": "é 名 😀", "half": "\ud800"}
    handshake.report(document)
    text = (tmp_path / "report").read_text(encoding="utf-8")
    assert text.removesuffix("\n").isprintable()
    assert "é 名 😀" in text
    assert json.loads(text) == document
    ended(errors.ServiceFailure(FORGED), handshake)
    assert (tmp_path / "report").read_text(encoding="utf-8").removesuffix("\n").isprintable()


def test_the_report_that_the_wrapper_prints_of_a_command_without_spark_is_escaped_too(monkeypatch, tmp_path):
    monkeypatch.setattr(dispatch, "execute", lambda *asked: {"output": FORGED})
    assert submission.main([str(tmp_path), "score.py", "status", URI], {}) == 0
    text = (tmp_path / "fallback.json").read_text(encoding="utf-8")
    assert text.removesuffix("\n").isprintable()
    assert json.loads(text) == {"output": FORGED}


def of_s3():
    with s3_errors("GetObject", "s3://b/k"):
        raise NoCredentialsError


def of_sagemaker():
    client = Mock(describe_transform_job=Mock(side_effect=NoCredentialsError))
    TransformJobs(None, client).describe("j")


def unasked(ask):
    """A failure of S3, or one of SageMaker, for which nobody was there to ask as."""
    with pytest.raises(errors.ServiceFailure) as raised:
        ask()
    return raised.value


@pytest.mark.parametrize("ask", [of_s3, of_sagemaker])
@pytest.mark.parametrize(
    ("is_begun", "code", "status"), [(False, 2, RunStatus.REFUSED), (True, 4, RunStatus.FAILED)], ids=["before", "held"]
)
def test_that_there_are_no_credentials_is_a_refusal_until_a_run_is_held(ask, is_begun, code, status):
    """No later try finds any by itself; but where something may have been paid for, no refusal says that."""
    err = unasked(ask)
    found = exit_of(err, is_begun=is_begun)
    assert (found.code, found.status, found.lines) == (code, status, err.lines)
    raised = errors.ServiceFailure if is_begun else errors.ConfigurationError
    with pytest.raises(raised, match="Unable to locate credentials"), typed_errors(is_begun=is_begun):
        raise err


def test_of_thousands_of_faults_a_terminal_has_as_many_as_a_person_reads_and_the_report_all(capsys):
    found = exit_of(errors.ConfigurationError(f"c{number} is wrong" for number in range(3_000)))
    found.tell()
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 101
    assert shown[-1].endswith("and 2,900 more")
    assert len(found.report()["error"]) == 3_000
