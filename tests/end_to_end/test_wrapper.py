"""`spark-submit.sh` for real: signals, exit codes, the one line on standard output, no process left behind."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from batch_transform.core.publishing.last_words import last_lines
from batch_transform.pipeline.commands.argument_parser import asked_for
from batch_transform.pipeline.submit.worker_daemon import PRELOADED
from support.marked import MARK, marked_processes
from support.sampling import one_in

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RUN = """\
run_id: r1
workspace: s3://bucket/prefix
staging: staging
input: {path: in}
model: {name: churn}
output: {path: out}
emulator: {models: {churn: "python -m model"}}  # so that nobody asks AWS for the bucket before Spark starts
"""
NEEDED = ("bash", "cat", "cmp", "cp", "dirname", "head", "mkdir", "mktemp", "rm", "sed", "tr")


LEFT = "| { exec <&-; sleep 3; }; exit ${PIPESTATUS[0]}"  # what it writes is read by nobody, who has gone


class Wrapper:
    """The wrapper in a folder of its own, with a mark by which all its descendants are found."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.ready = folder / "ready"
        (folder / "run.yml").write_text(RUN)
        (folder / "in").mkdir()
        (folder / "tmp").mkdir()
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")}
        self.environ = clean | {
            "VIRTUAL_ENV": sys.prefix,
            "TMPDIR": str(folder / "tmp"),
            MARK: self.mark,
            "BATCH_TRANSFORM_ENTRY_POINT": str(Path(__file__).with_name("wrapper_driver.py")),
            "DRIVER_READY": str(self.ready),
            **environ,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(ROOT / "spark-submit.sh"), *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def wait_until_ready(self) -> tuple[int, int]:
        """Gives the pids of the driver and of the JVM above it."""
        until(self.ready.exists)
        until(self.ready.read_text)
        driver, java = self.ready.read_text().split()
        return int(driver), int(java)

    def processes(self) -> list[str]:
        return marked_processes(self.mark)

    def leaves_nothing(self) -> bool:
        until(lambda: not self.processes(), seconds=10)
        return not list((self.folder / "tmp").glob("batch-transform.*"))


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def finish(process) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.spark
def test_the_report_is_the_only_line_and_the_exit_code_is_the_drivers(tmp_path):
    wrapper = Wrapper(tmp_path, DRIVER_DOES="score", DRIVER_CODE="3")
    done = wrapper.run("run.yml", "--var", "day=a b")
    report = json.loads(done.stdout)
    assert (done.returncode, report["code"], report["rows"]) == (3, 3, 10)
    assert shlex.split(report["command"])[1:] == ["run.yml", "--var", "day=a b"]
    assert done.stdout.count("\n") == 1
    assert "a line that is no report" not in done.stderr  # it is among Spark's own words
    # All from a copy of what lies here, which is gone with the run; what lies here may change meanwhile.
    source = Path(report["source"])
    assert source.is_relative_to(tmp_path / "tmp")
    assert source.parts[-3:] == ("lib", "batch_transform", "__init__.py")
    assert Path(report["worker"]["source"]) == source
    assert set(report["worker"]["preloaded"]) >= {name for name in PRELOADED if ".spark." in name}
    assert wrapper.leaves_nothing()


@pytest.mark.spark
@pytest.mark.parametrize(
    ("number", "code"), one_in(2, [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
)
def test_a_signal_reaches_the_driver_which_ends_in_its_own_time(tmp_path, number, code):
    wrapper = Wrapper(tmp_path, DRIVER_DOES="wait")
    process = wrapper.start("run.yml")
    wrapper.wait_until_ready()
    # To the whole group, as a terminal does on Ctrl-C: neither the JVM nor the driver may be in it.
    os.killpg(process.pid, number)
    returned, out, _ = finish(process)
    assert (returned, json.loads(out)["code"]) == (code, code)
    assert wrapper.leaves_nothing()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_draws_the_run_outlives_ctrl_c_as_spark_submit_does(tmp_path, number):
    """A terminal sends it to the whole group, as when it is closed; what is said of the end would be lost."""
    home = tmp_path / "spark"
    said = "[batch-transform] end       stopped"
    body = f"""trap 'echo "{said}" >&2; echo 130 > "$BATCH_TRANSFORM_EXIT_FILE"; exit 1' TERM HUP
echo $$ > "$BATCH_TRANSFORM_PID_FILE"; echo "$$ $$" > {tmp_path}/ready; while :; do sleep 0.1; done"""
    script(home / "bin" / "spark-submit", body)
    java = fake_java(tmp_path, 'openjdk version "17.0.1" 2021-10-19')
    wrapper = Wrapper(tmp_path, JAVA_HOME=java, SPARK_HOME=str(home))
    process = wrapper.start("run.yml", "--packages", "io.delta:delta-spark_4.2_2.13:4.4.0")
    wrapper.wait_until_ready()
    os.killpg(process.pid, number)
    returned, _, err = finish(process)
    assert (returned, err.splitlines()[0]) == (130, said)
    assert wrapper.leaves_nothing()


@pytest.mark.spark
def test_the_wrapper_waits_for_a_driver_whose_jvm_has_gone(tmp_path):
    wrapper = Wrapper(tmp_path, DRIVER_DOES="wait")
    process = wrapper.start("run.yml")
    driver, java = wrapper.wait_until_ready()
    os.kill(java, signal.SIGKILL)
    time.sleep(1)
    assert process.poll() is None
    os.kill(driver, signal.SIGTERM)
    returned, out, _ = finish(process)
    assert (returned, json.loads(out)["code"]) == (143, 143)
    assert wrapper.leaves_nothing()


@pytest.mark.spark
def test_a_driver_that_is_killed_leaves_a_report_all_the_same(tmp_path):
    wrapper = Wrapper(tmp_path, DRIVER_DOES="wait")
    process = wrapper.start("run.yml")
    driver, _ = wrapper.wait_until_ready()
    os.kill(driver, signal.SIGKILL)
    returned, out, _ = finish(process)
    assert (returned, json.loads(out)["status"]) == (4, "failed")
    assert wrapper.leaves_nothing()


@pytest.mark.spark
def test_a_signal_before_there_is_a_driver_ends_what_there_is(tmp_path):
    wrapper = Wrapper(tmp_path, DRIVER_DOES="wait")
    process = wrapper.start("run.yml")
    until(lambda: any("SparkSubmit" in command for command in wrapper.processes()))
    process.send_signal(signal.SIGTERM)
    returned, out, _ = finish(process)
    assert returned == 143
    assert len(out.splitlines()) == 1
    assert wrapper.leaves_nothing()


@pytest.mark.spark
def test_a_driver_that_has_not_said_who_it_is_is_not_left_behind(tmp_path):
    wrapper = Wrapper(tmp_path, DRIVER_DOES="wait", DRIVER_SILENT="1")
    process = wrapper.start("run.yml")
    wrapper.wait_until_ready()
    process.send_signal(signal.SIGTERM)
    returned, out, _ = finish(process)
    assert (returned, len(out.splitlines())) == (143, 1)
    assert wrapper.leaves_nothing()


@pytest.mark.spark
def test_what_spark_submit_refuses_ends_with_4_and_a_report(tmp_path):
    done = Wrapper(tmp_path, DRIVER_DOES="wait").run("run.yml", "--", "--no-such-option")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (4, "failed")
    assert "no-such-option" in done.stderr


def test_a_wrong_run_file_is_refused_before_spark_starts(tmp_path):
    wrapper = Wrapper(tmp_path, JAVA_HOME=fake_java(tmp_path, 'openjdk version "21.0.1" 2023-10-17'))
    done = wrapper.run("run.yml", "--set", "merge=x")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == ["--set: merge: is '...'; valid: zip, join"]
    assert "merge: is '...'" in done.stderr
    assert wrapper.leaves_nothing()


def test_help_needs_nothing_installed_and_no_arguments_point_to_it(tmp_path):
    wrapper = Wrapper(tmp_path, PATH=str(bin_folder(tmp_path)), VIRTUAL_ENV="")
    shown = wrapper.run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "--emulator" in shown.stdout
    done = wrapper.run()
    assert done.returncode == 2
    assert "--help" in json.loads(done.stdout)["error"][0]


@pytest.mark.parametrize("words", [["--help"], ["status", "--help"], ["collect", "-h"], ["--version"]])
def test_help_and_version_are_those_of_the_console_and_begin_no_java(tmp_path, words):
    wrapper = Wrapper(tmp_path, JAVA_HOME="/nowhere")
    done = wrapper.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == asked_for(words, str(ROOT / "spark-submit.sh"))
    assert wrapper.leaves_nothing()


IVY = """\
:: loading settings :: url = jar:file:/ivy.xml
io.delta#delta-spark_4.2_2.13 added as a dependency
:: resolving dependencies :: org.apache.spark#spark-submit-parent;1.0
"""


@pytest.mark.parametrize("done", [True, False])
def test_resolving_jars_is_one_line_and_whole_in_the_file_that_a_failure_names(tmp_path, done):
    last = "\t0 artifacts copied, 33 already retrieved (0kB/26ms)" if done else "Exception in thread main: unresolved"
    home = tmp_path / "spark"
    body = f"""printf '%s\\n' before '{IVY}{last}' >&2; echo '{{"status": "here"}}' > "$BATCH_TRANSFORM_REPORT_FILE"
echo after; exit {0 if done else 1}"""
    script(home / "bin" / "spark-submit", body)
    java = fake_java(tmp_path, 'openjdk version "17.0.1" 2021-10-19')
    wrapper = Wrapper(tmp_path, JAVA_HOME=java, SPARK_HOME=str(home))
    ended = wrapper.run("run.yml", "--packages", "io.delta:delta-spark_4.2_2.13:4.4.0")
    assert (ended.returncode, json.loads(ended.stdout)) == (0 if done else 4, {"status": "here"})
    words = tmp_path.glob("tmp/batch-transform-spark-*.log")
    said = "[batch-transform] jars      resolved 33 jars for Delta\n"
    if not done:
        (kept,) = words
        said = f"[batch-transform] spark     Spark's own words: {kept}\n"
        assert kept.read_text() == f"before\n{IVY}{last}\nafter\n"
    assert ended.stderr == said
    assert list(words) == []
    assert wrapper.leaves_nothing()


def fake_java(folder: Path, first_line: str) -> str:
    script(folder / "jdk" / "bin" / "java", f"echo '{first_line}' >&2")
    return str(folder / "jdk")


def script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
    path.chmod(0o755)


def bin_folder(folder: Path) -> Path:
    (folder / "bin").mkdir()
    for name in NEEDED:
        (folder / "bin" / name).symlink_to(shutil.which(name))
    (folder / "bin" / "env").symlink_to(shutil.which("env"))
    return folder / "bin"


@pytest.mark.parametrize(
    ("first_line", "found"),
    [('openjdk version "11.0.2" 2019-01-15', "11"), ('java version "1.8.0_202"', "8"), ("no Java runtime", "none")],
)
def test_a_java_that_is_missing_or_old_gets_one_line_that_says_what_to_install(tmp_path, first_line, found):
    done = Wrapper(tmp_path, JAVA_HOME=fake_java(tmp_path, first_line)).run("run.yml")
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == last_lines(json.loads(done.stdout))
    assert f"Java 17 or newer is needed (found: {found}): install" in done.stderr
    assert json.loads(done.stdout)["status"] == "refused"


def test_a_wrapper_that_is_written_over_while_it_runs_ends_as_it_began(tmp_path):
    """As `cp` does with a newer version: bash went on in the middle of that, and began the run once more."""
    text = "echo changed\n" * 5000
    (tmp_path / "newer").write_text(text)
    newer = f"cat {tmp_path}/newer >{tmp_path}/clone/spark-submit.sh"
    script(tmp_path / "jdk" / "bin" / "java", f"{newer}; echo 'openjdk version \"17.0.1\"' >&2")
    done = run_copy(Wrapper(tmp_path, JAVA_HOME=str(tmp_path / "jdk")))
    assert json.loads(done.stdout)["status"] == "failed"  # beside that clone there is no lib
    assert (tmp_path / "clone" / "spark-submit.sh").read_text() == text


def test_where_a_java_was_looked_for_that_is_not_there_is_told(tmp_path):
    (said,) = json.loads(Wrapper(tmp_path, JAVA_HOME="/nowhere").run("run.yml").stdout)["error"]
    where = "which is /nowhere; /nowhere/bin/java -version says: /nowhere/bin/java: No such file or directory"
    assert said.endswith(f"or set JAVA_HOME, {where}")


def test_what_a_java_says_that_does_not_begin_is_told(tmp_path):
    java = fake_java(tmp_path, "Picked up JAVA_TOOL_OPTIONS: -no\nUnrecognized option: -no\nError: no machine")
    (said,) = json.loads(Wrapper(tmp_path, JAVA_HOME=java).run("run.yml").stdout)["error"]
    assert said.endswith("says: Unrecognized option: -no Error: no machine")


def test_a_folder_that_was_removed_is_told_and_not_that_there_is_no_java(tmp_path):
    (tmp_path / "gone").mkdir()
    begun = (
        f"cd gone && rmdir ../gone && {shlex.quote(str(ROOT / 'spark-submit.sh'))} {shlex.quote(str(tmp_path))}/run.yml"
    )
    done = subprocess.run(["bash", "-c", begun], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (fault,) = json.loads(done.stdout)["error"]
    assert fault.startswith("the folder in which this was begun is there no more")


@pytest.mark.parametrize("first_line", ['openjdk version "17.0.1" 2021-10-19', 'openjdk version "24-ea" 2025-03-18'])
def test_a_new_enough_java_is_taken(tmp_path, first_line):
    done = Wrapper(tmp_path, JAVA_HOME=fake_java(tmp_path, first_line)).run("none.yml")
    assert json.loads(done.stdout)["error"] == ["none.yml: no such file"]


def test_an_old_python_gets_one_line_that_says_what_to_install(tmp_path):
    folder = bin_folder(tmp_path)
    script(folder / "python3", "exit 1")
    wrapper = Wrapper(
        tmp_path, PATH=str(folder), VIRTUAL_ENV="", JAVA_HOME=fake_java(tmp_path, 'openjdk version "17.0.1"')
    )
    done = run_copy(wrapper)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == last_lines(json.loads(done.stdout))
    assert "Python 3.10 or newer is needed: install python3" in done.stderr


OLD = 'case "$*" in *"sys.version_info < "*) exit 1 ;; esac; exit 0'


@pytest.mark.parametrize("where", ["EMR 7.0", "an active environment"])
def test_python_3_9_is_one_clear_refusal(tmp_path, where):
    """As `python3` says it that is 3.9, and in which all that is needed is installed."""
    folder = bin_folder(tmp_path)
    script(folder / "python3", OLD)
    script(tmp_path / "theirs" / "bin" / "python", OLD)
    active = where != "EMR 7.0"
    node = {"BATCH_TRANSFORM_EMR_NODE": "/dev/null", "VIRTUAL_ENV": str(tmp_path / "theirs") if active else ""}
    java = fake_java(tmp_path, 'openjdk version "17.0.1"')
    done = run_copy(Wrapper(tmp_path, PATH=str(folder), JAVA_HOME=java, **node))
    assert done.returncode == 2
    first, *last = done.stderr.splitlines()
    assert first.startswith("[batch-transform] error:    Python 3.10 or newer is needed, and ")
    assert last == last_lines(json.loads(done.stdout))
    assert ("an older one" if active else "take 7.1 or a later one, which have python3.11") in done.stderr
    assert json.loads(done.stdout)["status"] == "refused"


def run_copy(wrapper: Wrapper, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the wrapper, beside which there is no `.venv`; `before`: what runs it."""
    copy = wrapper.folder / "clone"
    if not copy.exists():
        copy.mkdir()
        shutil.copy(ROOT / "spark-submit.sh", copy)
        shutil.copy(ROOT / "setup.py", copy)
    return subprocess.run(
        [*before, str(copy / "spark-submit.sh"), "run.yml", *arguments],
        cwd=wrapper.folder,
        env=wrapper.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_environment_is_made_once_and_again_when_the_requirements_change(tmp_path):
    folder = bin_folder(tmp_path)
    log = tmp_path / "log"
    body = f"""\
echo "$*" >> {log}
[ "$3" != venv ] || {{ mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; }}
case $* in *submission*) exit 2 ;; *-c*) exit 0 ;; esac"""
    script(folder / "python3", body)
    wrapper = Wrapper(
        tmp_path, PATH=str(folder), VIRTUAL_ENV="", JAVA_HOME=fake_java(tmp_path, 'openjdk version "17.0.1"')
    )

    def installed() -> list[str]:
        log.unlink(missing_ok=True)
        run_copy(wrapper)
        return [line for line in log.read_text().split("\n") if " pip " in line]

    clone = tmp_path / "clone"
    assert installed() == [f"-I -m pip install --quiet --editable {clone}[local]"]
    assert installed() == []
    (clone / "setup.py").write_text("# another list\n")
    assert len(installed()) == 1


LIKE_ANYBODY = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")  # with these root writes everywhere


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write everywhere")
@pytest.mark.parametrize("made", [True, False])
def test_in_a_clone_that_one_may_not_write_nothing_is_installed_and_nothing_to_be_deleted(tmp_path, made):
    """It began to install, failed, and said to delete an environment that is another user's."""
    wrapper = Wrapper(tmp_path, VIRTUAL_ENV="", JAVA_HOME=fake_java(tmp_path, 'openjdk version "17.0.1"'))
    clone = tmp_path / "clone"
    (place := clone / ".venv" if made else clone).mkdir(parents=True)
    for name in ("spark-submit.sh", "setup.py"):
        shutil.copy(ROOT / name, clone)
    place.chmod(0o555)
    done = run_copy(wrapper, before=LIKE_ANYBODY if os.geteuid() == 0 else ())
    place.chmod(0o755)
    assert done.returncode == 2
    assert f"into {clone}/.venv, and you may not write {place}: have whoever owns it run this first" in done.stderr
    assert "Installing" not in done.stderr
    assert "delete" not in done.stderr


@pytest.mark.parametrize("fits", [True, False])
def test_a_laptops_environment_is_the_locks_and_where_that_does_not_fit_what_setup_allows(tmp_path, fits):
    folder, log, clone = bin_folder(tmp_path), tmp_path / "log", tmp_path / "clone"
    body = f"""\
echo "$*" >> {log}
[ "$3" != venv ] || {{ mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; }}
case $* in *submission*) exit 2 ;; *-c*) exit 0 ;; *local.txt*) exit {0 if fits else 1} ;; esac"""
    script(folder / "python3", body)
    java = fake_java(tmp_path, 'openjdk version "17.0.1"')
    wrapper = Wrapper(tmp_path, PATH=str(folder), VIRTUAL_ENV="", JAVA_HOME=java)
    locks = clone / "conf" / "locks"
    locks.mkdir(parents=True)
    for name in ("build.txt", "local.txt"):
        (locks / name).touch()
    for name in ("spark-submit.sh", "setup.py"):
        shutil.copy(ROOT / name, clone)
    done = run_copy(wrapper)
    installed = [line.partition(" --quiet ")[2] for line in log.read_text().split("\n") if " pip " in line]
    assert installed == [
        f"--require-hashes -r {locks / 'build.txt'}",
        f"--require-hashes --no-build-isolation --use-pep517 -r {locks / 'local.txt'}",
        f"--no-build-isolation --no-deps --editable {clone}" if fits else f"--editable {clone}[local]",
    ]
    assert ("does not fit here" in done.stderr) is not fits


THERE = {"SPARK_HOME": "/usr/lib/spark"}
NODE = {"BATCH_TRANSFORM_EMR_NODE": "/dev/null", **THERE}
LEAN = {
    "a laptop": ("local", [], {}),
    "a laptop with a Spark": ("local", [], THERE),
    "a cluster and no Spark": ("local", ["--master", "yarn"], {}),
    "a cluster and its Spark": ("workers", ["--master", "yarn"], THERE),
    "a target and its Spark": ("workers", ["--target=standalone", "--master=spark://h:7077"], THERE),
    "this machine with a Spark": ("local", ["--target", "local"], THERE),
    "a local master": ("local", ["--master", "local[2]"], THERE),
    "a service": ("workers", ["--target", "emr-serverless"], {}),
    "a primary node of EMR": ("workers", [], NODE),
    "an emulator there": ("local", ["--emulator", "churn=http://h"], NODE),
    "what is spark-submit's": ("local", ["--", "--master", "yarn"], THERE),
}


@pytest.mark.parametrize("where", LEAN)
def test_where_spark_is_there_none_is_installed(tmp_path, where):
    extra, words, environ = LEAN[where]
    folder = bin_folder(tmp_path)
    log = tmp_path / "log"
    body = f"""\
echo "$*" >> {log}
[ "$3" != venv ] || {{ mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; }}
case $* in *submission*) exit 2 ;; *-c*) exit 0 ;; esac"""
    script(folder / "python3", body)
    java = fake_java(tmp_path, 'openjdk version "17.0.1"')
    wrapper = Wrapper(tmp_path, PATH=str(folder), VIRTUAL_ENV="", JAVA_HOME=java, **environ)
    run_copy(wrapper, *words)
    said = log.read_text()
    assert f"[{extra}]\n" in said
    assert ("class_archive" in said) == (extra == "local")
    log.unlink()
    run_copy(wrapper, *words)
    assert " pip " not in log.read_text()


def test_an_active_environment_without_the_packages_is_left_as_it_is(tmp_path):
    script(tmp_path / "theirs" / "bin" / "python", "exit 1")
    done = Wrapper(tmp_path, VIRTUAL_ENV=str(tmp_path / "theirs")).run("run.yml")
    assert done.returncode == 2
    assert "lacks packages: pip install -e" in done.stderr


@pytest.mark.parametrize("active", [True, False])
def test_an_environment_whose_python_was_removed_is_named_with_what_to_do(tmp_path, active):
    """An upgrade of the system's Python takes it away; the code was 127, and "The same command again goes on"."""
    place = tmp_path / "clone" / ".venv"
    wrapper = Wrapper(
        tmp_path,
        VIRTUAL_ENV=str(place) if active else "",
        JAVA_HOME=fake_java(tmp_path, 'openjdk version "17.0.1"'),
    )
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(tmp_path / "gone" / "python3")
    for name in ("spark-submit.sh", "setup.py"):
        shutil.copy(ROOT / name, place.parent)
    shutil.copy(ROOT / "setup.py", place / "installed-local.py")
    done = run_copy(wrapper)
    assert done.returncode == 2
    assert f"{place} has no Python that you can run" in json.loads(done.stdout)["error"][0]
    assert "lacks packages" not in done.stderr
    assert "No such file" not in done.stderr


PAUSE = """case "$*" in {when}) [ -e {ready} ] || {{ echo 0 0 > {ready}; exec sleep 60; }} ;; esac"""
# What the wrapper is doing when Ctrl-C comes: the program that is then at work, and its arguments.
MOMENTS = {
    "its folder is made": ("mktemp", "*"),
    "Java is asked": ("java", "*"),
    "the packages are looked for": ("python", "*find_spec*"),
    "the run file is read": ("python", "*submit.submission*"),
    "the first pipe is made": ("mkfifo", "*/alive"),
    "the second pipe is made": ("mkfifo", "*/said"),
    "spark-submit is launched": ("python", "*exec_command.py*"),
    "Spark begins": ("spark-submit", "*"),
}


def slow_programs(folder: Path, **bodies: str) -> Wrapper:
    """A wrapper whose programs do something of the test's first; nothing of Java or of Spark is real."""
    theirs = {"java": "jdk/bin/java", "python": "theirs/bin/python", "spark-submit": "spark/bin/spark-submit"}
    real = {"java": "echo 'openjdk version \"17.0.1\"' >&2", "spark-submit": "exec sleep 60"}
    for name in ("java", "python", "spark-submit", "mkfifo", "mktemp"):
        found = sys.executable if name == "python" else shutil.which(name)
        itself = real.get(name, f'exec {found} "$@"')
        script(folder / theirs.get(name, f"bin/{name}"), f"{bodies.get(name, '')}\n{itself}")
    return Wrapper(
        folder,
        PATH=f"{folder / 'bin'}:{os.environ['PATH']}",
        JAVA_HOME=str(folder / "jdk"),
        VIRTUAL_ENV=str(folder / "theirs"),
        SPARK_HOME=str(folder / "spark"),
    )


@pytest.mark.parametrize("moment", one_in(2, MOMENTS))
def test_ctrl_c_before_the_driver_has_begun_is_told_as_that_whatever_moment_it_comes_at(tmp_path, moment):
    """It was told as a failure, or as a Java or packages that are missing; a terminal sends it to all processes."""
    name, when = MOMENTS[moment]
    wrapper = slow_programs(tmp_path, **{name: PAUSE.format(when=when, ready=tmp_path / "ready")})
    process = wrapper.start("run.yml")
    until(wrapper.ready.exists)
    os.killpg(process.pid, signal.SIGINT)
    returned, out, err = finish(process)
    said = "interrupted before a driver was at work"
    report = {"run_id": None, "status": "interrupted", "error": [said], "report": None}
    assert (returned, json.loads(out)) == (130, report)
    assert err.splitlines()[-3:] == [
        f"[batch-transform] error:    {said}",
        "Interrupted, with no report of a run.",
        "The same command again goes on.",
    ]
    assert wrapper.leaves_nothing()


def test_what_is_killed_before_spark_begins_ends_with_a_code_that_is_documented(tmp_path):
    """As a machine without memory does it; the code was 137, which no page has."""
    wrapper = slow_programs(tmp_path, python='case "$*" in *submit.submission*) kill -s KILL $$ ;; esac')
    ran = wrapper.run("run.yml")
    assert (ran.returncode, json.loads(ran.stdout)["status"]) == (4, "failed")
    assert wrapper.leaves_nothing()


def test_no_pipe_is_waited_for_whose_other_end_has_gone(tmp_path):
    """Ctrl-C that killed what was to read hung the wrapper for ever, and no later signal ended that."""
    slowly = tmp_path / "slowly.sh"  # whoever opens a pipe by its name finds that the watcher has gone
    slowly.write_text("set -T; trap 'case $BASH_COMMAND in *said*) sleep 0.5 ;; esac' DEBUG\n")
    wrapper = slow_programs(
        tmp_path,
        mkfifo=f"""{shutil.which("mkfifo")} "$1"; case $1 in */said) : >"$1" & ;; esac; exit 0""",
        python='case "$*" in *submit.watching*) exit 1 ;; esac',
        **{"spark-submit": "exit 0"},
    )
    wrapper.environ["BASH_ENV"] = str(slowly)
    process = wrapper.start("run.yml")
    try:
        process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert wrapper.leaves_nothing()


@pytest.mark.parametrize(
    ("before", "arguments", "redirected", "code"),
    [
        ("", "list s3://b/x", ">&-", 2),
        ("", "list s3://b/x", "2>&-", 2),
        ("", "list s3://b/x", ">&- 2>&-", 2),
        ("", "list s3://b/x", ">/dev/full", 2),
        ("", "--help", ">/dev/full", 4),
        ("", "list s3://b/x", LEFT, 2),
        ("", "--help", LEFT, 0),
        ("trap '' PIPE; ", "--help", LEFT, 0),  # as below systemd
        ("trap '' PIPE; ", "list s3://b/x", LEFT, 2),
        ("export POSIXLY_CORRECT=1; ", "list s3://b/x", ">&- 2>&-", 2),
    ],
)
def test_a_standard_output_that_takes_nothing_is_no_crash(tmp_path, before, arguments, redirected, code):
    wrapper = Wrapper(tmp_path)
    line = f"{before}{shlex.quote(str(ROOT / 'spark-submit.sh'))} {arguments} {redirected}"
    ran = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=wrapper.environ, capture_output=True, text=True)
    assert ran.returncode == code
    assert "Traceback" not in ran.stderr
    assert "Bad file descriptor" not in ran.stderr


def test_a_refusal_of_which_nobody_reads_the_report_is_told_to_its_end(tmp_path):
    line = f"{shlex.quote(str(ROOT / 'spark-submit.sh'))} list s3://b/x {LEFT}"
    environ = Wrapper(tmp_path).environ | {"TMPDIR": str(tmp_path / "no")}
    ran = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == "Mend what is named above, and try again."


def test_a_driver_whose_report_is_lost_is_not_taken_for_one_that_has_told_how_it_ended(tmp_path):
    ran = Wrapper(tmp_path, DRIVER_DOES="lose").run("run.yml")
    assert (ran.returncode, json.loads(ran.stdout)["status"]) == (4, "failed")


def test_where_no_file_can_be_made_one_line_says_what_to_do(tmp_path):
    ran = Wrapper(tmp_path, TMPDIR=str(tmp_path / "no")).run("list", "s3://bucket/x")
    assert ran.returncode == 2
    first, *_ = ran.stderr.splitlines()
    assert first.endswith("set TMPDIR to a folder that can be written to")
    assert json.loads(ran.stdout)["status"] == "refused"
