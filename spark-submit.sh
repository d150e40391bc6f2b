#!/usr/bin/env bash
# Scores a table as a run file says: ./spark-submit.sh conf/demo.yml   (./spark-submit.sh --help)
#
# Makes .venv if there is none, takes a copy of lib/, starts spark-submit, and passes signals on to the Python driver.
# It does not exec: spark-submit dies of a signal at once and the driver outlives it, so this waits for the driver.
# Standard output gets one line, the report (a terminal only with -o json); everything else goes to standard error.
set -u

# A descriptor that is closed (`>&-`) would be the next file's that is opened, and a child would print into that.
{ true 3>&1; } 2>/dev/null || exec >/dev/null
true 3>&2 || exec 2>/dev/null

# As `python -m`, but for the current folder, which may hold a json.py (own_modules.py says the same).
module='import sys; sys.path[0] or sys.path.pop(0); import runpy; '
module=$module'runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)'
emr_node=${BATCH_TRANSFORM_EMR_NODE:-/mnt/var/lib/info/job-flow.json} # what each node of an EMR cluster has
work=
child=
begun=
teller=
ticker=
interrupted=
as_json=

forward() { # signal name, exit code: to the driver if it runs, else to whatever is running instead of it
    interrupted=${interrupted:-$2}
    if [ -n "$work" ] && driver=$(cat "$work/pid" 2>/dev/null); then
        kill -s "$1" "$driver" 2>/dev/null
    elif [ -n "$child" ]; then
        kill -s TERM -- "-$child" 2>/dev/null || kill -s TERM "$child" 2>/dev/null
    fi
}
trap 'forward TERM 143' TERM
trap 'forward INT 130' INT
trap 'forward HUP 129' HUP # a terminal that is closed; under nohup this does nothing
trap : PIPE # whoever reads no more ends no refusal; children have it as it was

usage() { # of a machine without Python; else argparse says it, of each command
    cat <<'END'
Scores a table with Amazon SageMaker Batch Transform, as a run file says.

  ./spark-submit.sh [COMMAND] RUNFILE|RUN [--var NAME=VALUE] [--set KEY=VALUE] [--emulator MODEL=COMMAND|URL]
                    [OPTION ...] [SPARK-SUBMIT-OPTION ...] [-- ANYTHING FOR SPARK-SUBMIT]

With Python 3.10 or newer, ./spark-submit.sh --help names the commands, and ./spark-submit.sh COMMAND --help their options.
END
}

refuse() { # nothing was done: the reason on standard error and in the report
    [ -z "$interrupted" ] || end_without_report "$interrupted" # Ctrl-C ends whatever was asked, and its answer is none
    tell refused "$1"
    printf '%s\n' 'Refused: nothing was done and nothing is paid.' 'Mend what is named above, and try again.' >&2
    exit 2
}

tell() { # status, reason: of this shell itself, where there is no Python to say it
    printf '[batch-transform] error:    %s\n' "$2" >&2
    printf '{"run_id": null, "status": "%s", "error": ["%s"], "report": null}\n' "$1" "$(printf %s "$2" | tr '"\\' "''")" 2>/dev/null
}

await() { # runs a command that signals do not cut short unnoticed; returns its exit code
    [ -z "$interrupted" ] || return "$interrupted"
    "$@" </dev/null &
    begun=$!
    child=$begun
    [ -z "$interrupted" ] || forward TERM "$interrupted" # which came before the child was known
    while :; do # a trapped signal ends `wait` early: again until the child is gone
        wait "$child"
        code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    # If a signal cut that short, the code is the signal's: bash may wait for ever if asked again for a child's that died
    # of the same signal.
    child=
    return "$code"
}

check_java() {
    java=java
    [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
    words=$("$java" -version 2>&1)
    version=$(printf '%s\n' "$words" | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\)[."-].*/\2/p' | head -n 1)
    [ "${version:-0}" -lt 17 ] || return
    # As where JAVA_HOME leads nowhere, or JAVA_TOOL_OPTIONS has what no Java takes.
    words=$(printf '%s\n' "$words" | sed '/^Picked up/d; s/^.*: line [0-9]*: //; s/[[:cntrl:]]//g' | head -n 2)
    [ -z "$version" ] || words=
    words=${words//$'\n'/ }
    refuse "Java 17 or newer is needed (found: ${version:-none}): install a JDK, for example openjdk-17-jre-headless, or set JAVA_HOME${JAVA_HOME:+, which is $JAVA_HOME}${words:+; $java -version says: $words}"
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }

old() { "$1" -c 'import sys; sys.exit(sys.version_info >= (3, 10))' >/dev/null 2>&1; } # which is one that runs

some_python() {
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.10 python; do
        new_enough "$python" && return
    done
    return 1
}

find_python() {
    some_python && return
    [ ! -e "$emr_node" ] ||
        refuse "Python 3.10 or newer is needed, and this release of EMR has none: take 7.1 or a later one, which have python3.11, or set PYTHON to one"
    refuse "Python 3.10 or newer is needed: install python3 and python3-venv, or set PYTHON to one"
}

spark_is_there() { [ -n "${SPARK_HOME:-}" ] || command -v spark-submit >/dev/null 2>&1; }

needs_no_spark() { # whether .venv does without one: only a service is asked, or this machine's own is, for a cluster
    named=
    cluster=
    emulated=
    for argument in "$@"; do
        case $argument in
        --) break ;;
        --target=* | --master=*) named=${argument%%=*} argument=${argument#*=} ;;
        --emulator | --emulator=*) emulated=1 ;;
        esac
        case $named=$argument in
        --target=emr | --target=emr-serverless | --target=databricks) return 0 ;;
        --target=local | --master=local*) ;;
        --target=* | --master=*) cluster=1 ;;
        esac
        named=$argument
    done
    [ -n "$cluster" ] || [ ! -e "$emr_node" ] || [ -n "$emulated" ] || cluster=1
    [ -n "$cluster" ] && spark_is_there
}

install_locked() { # a laptop's packages, of the very versions and contents that the lock names
    await "$root/.venv/bin/python" -I -m pip install --quiet --require-hashes -r "$root/conf/locks/build.txt" >&2 &&
        await "$root/.venv/bin/python" -I -m pip install --quiet --require-hashes --no-build-isolation --use-pep517 \
            -r "$root/conf/locks/local.txt" >&2 &&
        await "$root/.venv/bin/python" -I -m pip install --quiet --no-build-isolation --no-deps --editable "$root" >&2
}

install() { # extra: a laptop's by the lock, so that a release of tomorrow changes nothing; else what setup.py allows
    if [ "$1" = local ] && [ -e "$root/conf/locks/local.txt" ]; then
        ! install_locked || return 0
        [ -z "$interrupted" ] || return "$interrupted"
        printf 'conf/locks/local.txt does not fit here; installing what setup.py allows instead\n' >&2
    fi
    await "$root/.venv/bin/python" -I -m pip install --quiet --editable "$root[$1]" >&2
}

begin_telling() { # words: on a terminal with the time that goes by, until `end_telling`
    [ -t 2 ] || { printf '%s\n' "$1" >&2 && return; }
    began=$(date +%s)
    while kill -0 $$ 2>/dev/null; do
        seconds=$(($(date +%s) - began))
        printf '\r%s %d:%02d' "$1" $((seconds / 60)) $((seconds % 60)) >&2
        sleep 1
    done &
    ticker=$!
}

end_telling() {
    [ -n "$ticker" ] || return 0
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null
    ticker=
    printf '\n' >&2
}

make_environment() { # extra
    find_python
    "$python" -I -c 'import venv, ensurepip' >/dev/null 2>&1 ||
        refuse "$python has no venv module: install python3-venv (Debian, Ubuntu), or set PYTHON to one that has it"
    place=$root/.venv
    [ -e "$place" ] || place=$root
    [ -w "$place" ] || # what is there may be another user's, and in use
        refuse "what is needed is to be installed once, into $root/.venv, and you may not write $place: have whoever owns it run this first, take a clone of your own, or activate an environment that has it"
    case $1 in
    local) begin_telling "Installing what a laptop needs into $root/.venv (once, takes minutes)" ;;
    *) begin_telling "Installing what is needed beside a Spark into $root/.venv (once)" ;;
    esac
    await "$python" -I -m venv "$root/.venv" >&2 &&
        install "$1" &&
        { [ "$1" != local ] || await "$root/.venv/bin/python" -c "$module" batch_transform.pipeline.submit.class_archive >&2; } &&
        cp "$root/setup.py" "$root/.venv/installed-$1.py" && end_telling && return
    end_telling
    [ -z "$interrupted" ] || end_without_report "$interrupted"
    refuse "the installation into $root/.venv failed; delete it and try again"
}

choose_environment() {
    if [ -n "${VIRTUAL_ENV:-}" ]; then
        python=$VIRTUAL_ENV/bin/python
        ! old "$python" || refuse "Python 3.10 or newer is needed, and the active environment $VIRTUAL_ENV has an older one: make it anew of a newer one, or deactivate it"
        [ -x "$python" ] || refuse "the active environment $VIRTUAL_ENV has no Python that you can run: make it anew, or deactivate it"
        # Looked for and not imported, which takes half a second.
        "$python" -c 'import importlib.util as u; all(map(u.find_spec, "boto3 pandas pyarrow yaml".split())) or exit(1)' >/dev/null 2>&1 ||
            refuse "the active environment $VIRTUAL_ENV lacks packages: pip install -e '$root[local]', or deactivate it"
        return
    fi
    # The copy marks a finished installation, of this very list of packages; a laptop's has the others' as well.
    extra=local
    ! needs_no_spark "$@" || extra=workers
    cmp -s "$root/setup.py" "$root/.venv/installed-local.py" || cmp -s "$root/setup.py" "$root/.venv/installed-$extra.py" ||
        make_environment "$extra"
    python=$root/.venv/bin/python
    [ -x "$python" ] || # as after an upgrade of the Python that it was made of
        refuse "$root/.venv has no Python that you can run: delete it and try again, or, where it is another user's, activate an environment of yours"
}

driver_runs() { # an orphan that nobody reaps stays as a zombie, and is over all the same
    driver=$(cat "$work/pid" 2>/dev/null) && [ ! -e "$work/exit" ] && kill -0 "$driver" 2>/dev/null &&
        case $(ps -o stat= -p "$driver" 2>/dev/null) in Z*) false ;; esac
}

watch() { # what goes to 8 from now on goes to whoever draws the run and keeps Spark's own words; signals do not end it
    : >"$work/events"
    # Both ends are opened here, the first one for both: an open that waits for another process waits for ever if it dies.
    mkfifo "$work/said" && exec 7<>"$work/said" 6<"$work/said" 8>"$work/said" 7>&- || return
    (trap '' INT TERM HUP && PYTHONPATH=$root/lib exec "$python" -c "$module" batch_transform.pipeline.submit.watching "$work") <&6 >&2 6<&- 8>&- 9>&- &
    teller=$!
    exec 6<&-
    export BATCH_TRANSFORM_EVENTS_FILE=$work/events
}

documented() { # makes of `code` one that the pages have; 137 is a process's that was killed, as for want of memory
    case $code in 0 | 2 | 3 | 129 | 130 | 143) ;; *) code=4 ;; esac
}

let_finish() { # exit code: tells the watcher that all is over; whatever holds its pipe beyond that is not waited for
    printf %s "$1" >"$work/code"
    exec 8>&-
    tries=0
    while kill -0 "$teller" 2>/dev/null && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s KILL "$teller" 2>/dev/null
}

without_word() { # exit code: whether a signal has ended what should have reported; a cluster that was asked may go on
    case $1 in 129 | 130 | 143) ;; *) return 1 ;; esac
    [ -e "$work/command.json" ] && [ ! -e "$work/report" ] && { [ -z "$begun" ] || [ ! -e "$work/words-shown" ]; }
}

finish() { # exit code: prints the report, then what a person reads last, and leaves no process of this run behind
    ! without_word "$1" || end_without_report "$1"
    for said in "$work/report" "$work/fallback.json"; do
        [ -e "$said" ] || continue
        code=$1
        # What came in the place of a report tells of no work that is done.
        [ "$code" -ne 0 ] || [ "$said" = "$work/report" ] || case $(cat "$said") in *'"status": "failed"'*) code=4 ;; esac
        # On a terminal, what was told in words is not pushed away by its report; elsewhere errors stand just above.
        words=
        [ -t 1 ] && [ -e "$said.told" ] && [ -z "$as_json" ] || { words=$(LC_ALL=C cat "$said" 2>&1 >&3); } 3>&1
        if [ -t 2 ]; then cat "$said.words"; else sed '/^error: /d' "$said.words"; fi >&2 2>/dev/null
        case $words in
        '' | *'Broken pipe'*) ;; # whoever has read enough loses nothing
        *)
            printf '[batch-transform] error:    standard output: cannot be written (%s)\n' "${words##*: }" >&2
            [ "$code" -ne 0 ] || code=4 # else the report is taken for printed
            ;;
        esac
        exit "$code"
    done
    end_without_report "$1"
}

end_without_report() { # exit code: of what ended before any Python had said how
    case $1 in
    129 | 130 | 143)
        if [ -e "$work/pid" ]; then
            tell interrupted "interrupted, and the driver ended before it wrote a report"
        else
            tell interrupted "interrupted before a driver was at work" # of a run; a command such as stop may have done a part
        fi
        printf '%s\n' 'Interrupted, with no report of a run.' 'The same command again goes on.' >&2
        ;;
    *)
        tell failed "the program ended before it wrote a report; what stands above says why"
        printf '%s\n' 'Failed, with no report of a run.' 'The same command again goes on where it ended.' >&2
        ;;
    esac
    [ "$1" -ne 0 ] || exit 4 # what was to tell how it ended is lost
    exit "$1"
}

{ # bash reads a file as it goes on: what is within braces it has read, whatever is written over the file meanwhile
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || refuse "the folder of $0 cannot be entered"
entry=${BATCH_TRANSFORM_ENTRY_POINT:-$root/jobs/score.py}
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
room="make room there, or set TMPDIR to a folder that can be written to"
work=$(mktemp -d "${TMPDIR:-/tmp}/batch-transform.XXXXXX" 2>/dev/null) ||
    refuse "no folder can be made in ${TMPDIR:-/tmp}: $room"
# What is submitted and what is reported lie there: 4 MB, so that a full disk is told before any work.
printf '%4194304s' '' 2>/dev/null >"$work/room" || refuse "${TMPDIR:-/tmp} is full: $room"
rm -f "$work/room"
before=
for argument in "$@"; do
    case $before:$argument in
    *:--) break ;;
    -o:json | *:-o=json) as_json=1 ;;
    esac
    before=$argument
done
for argument in "$@"; do
    case $argument in
    --) break ;;
    -h | --help | --version)
        some_python || { usage && exit 0; }
        BATCH_TRANSFORM_PROGRAM=$0 PYTHONPATH=$root/lib "$python" -B -c "$module" batch_transform.pipeline.commands.argument_parser "$@" || exit 4
        exit 0
        ;;
    esac
done
[ $# -gt 0 ] || refuse "a run file is needed, for example: ./spark-submit.sh conf/demo.yml (see --help)"

pwd -P >/dev/null 2>&1 ||
    refuse "the folder in which this was begun is there no more, and no Java begins in it: give the same command in another one"
check_java
choose_environment "$@"
export BATCH_TRANSFORM_PROGRAM=$0
if [ -t 1 ] && columns=$(stty size <&1 2>/dev/null); then export BATCH_TRANSFORM_COLUMNS=${columns#* }; fi
began=${EPOCHREALTIME:-$(date +%s)} # since 1970; of bash 5 with a fraction, behind the locale's own sign
export BATCH_TRANSFORM_BEGAN=${began/,/.}
PYTHONPATH=$root/lib${PYTHONPATH:+:$PYTHONPATH} await "$python" -c "$module" batch_transform.pipeline.submit.submission "$work" "$entry" "$@"
code=$?
documented
begun=
[ "$code" -eq 0 ] || finish "${interrupted:-$code}"
[ -e "$work/command.json" ] || finish "${interrupted:-0}" # a command that needs no Spark is done

export BATCH_TRANSFORM_PID_FILE=$work/pid
export BATCH_TRANSFORM_REPORT_FILE=$work/report
export BATCH_TRANSFORM_EXIT_FILE=$work/exit
export BATCH_TRANSFORM_ALIVE_FILE=$work/alive
# Open for writing in this shell alone: whatever ends it, also kill -9, the driver then sees that nobody writes any more.
mkfifo "$BATCH_TRANSFORM_ALIVE_FILE" && exec 9<>"$BATCH_TRANSFORM_ALIVE_FILE" || refuse "no named pipe can be made in $work"
exec 8>&2
watch
spark() { # -I: what runs on the other side is what was packaged, not what a PYTHONPATH of this side names
    exec "$python" -I "$root/lib/batch_transform/pipeline/submit/exec_command.py" "$work/command.json" >&8 2>&8 8>&- 9>&-
}
# That alone writes to 8: this shell, which says of a child that it was killed, would die of a pipe that nobody reads.
await spark
code=$?
while driver_runs; do sleep 0.2; done
[ -z "$begun" ] || kill -s KILL -- "-$begun" 2>/dev/null
documented
code=$(cat "$work/exit" 2>/dev/null || printf %s "${interrupted:-$code}")
[ "$code" != 143 ] || code=${interrupted:-143} # of a driver that was told of Ctrl-C by what ends Spark
[ -z "$teller" ] || let_finish "$code"
finish "$code"
}
