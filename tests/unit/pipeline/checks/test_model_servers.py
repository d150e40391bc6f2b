"""Servers of models are looked for before anything is staged, and a person is told what to do where they are not."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.checks.model_servers import GRACE_SECONDS, Pinged, check_model_servers
from batch_transform.pipeline.context import Clock

GONE = Pinged("nobody listens there", may_mend=True)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 0.0

    def sleep(self, seconds):
        self.now += seconds

    @property
    def clock(self):
        return Clock(lambda: self.now, lambda: self.now, self.sleep, lambda: self.now)


def config(**models):
    return from_arguments(run_id="r", model="m", workspace="s3://bucket/w", emulator={"models": models})


def asked(found, time=None, told=None, **models):
    answers = iter(found)
    last = found[-1]
    seen = []

    def ping(url):
        seen.append(url)
        return next(answers, last)

    given = config(**(models or {"m": "http://127.0.0.1:8080"}))
    check_model_servers(given, (time or Time()).clock, (told if told is not None else []).append, ping)
    return seen


def test_a_server_that_is_not_there_is_told_after_a_moment_and_by_its_key():
    time = Time()
    with pytest.raises(ConfigurationError, match=r"^emulator\.models\.m: http://127\.0\.0\.1:8080: nobody listens"):
        asked([GONE], time)
    assert GRACE_SECONDS <= time.now < GRACE_SECONDS + 1


def test_a_server_that_comes_up_within_the_moment_is_waited_for():
    assert len(asked([GONE, GONE, Pinged()])) == 3


def test_what_waiting_does_not_mend_is_told_at_once():
    time = Time()
    with pytest.raises(ConfigurationError, match="no host"):
        asked([Pinged("no host")], time)
    assert time.now == 0


def test_a_server_that_is_there_and_not_ready_is_told_of_and_waited_for_by_the_jobs():
    told = []
    asked([Pinged(note="answers 503")], told=told)
    assert told == ["emulator.models.m: http://127.0.0.1:8080: answers 503"]


def test_only_servers_of_the_run_s_own_model_are_asked():
    assert asked([Pinged()], m=" http://h/a ", other="http://gone") == ["http://h/a"]
    assert asked([Pinged()], m="python -m model http://h") == []
    check_model_servers(from_arguments(run_id="r", model="m", workspace="s3://bucket/w"), Time().clock)
