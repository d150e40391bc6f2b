"""Runs of one session take turns, those of others do not wait."""

from __future__ import annotations

import threading

from batch_transform.spark.session_turns import turn


class Session:
    pass


def test_a_second_thread_is_told_that_it_waits_and_works_once_the_first_has_ended():
    session, waits, order = Session(), threading.Event(), []

    def run():
        with turn(session, lambda _text: waits.set()):
            order.append("second")

    second = threading.Thread(target=run)
    with turn(session, order.append):
        second.start()
        assert waits.wait(10)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_a_run_within_a_run_of_its_thread_and_one_of_another_session_wait_for_none():
    session, told = Session(), []
    with turn(session, told.append), turn(session, told.append):
        other = threading.Thread(target=lambda: turn(Session(), told.append).__enter__())
        other.start()
        other.join(10)
        assert not other.is_alive()
    assert told == []
