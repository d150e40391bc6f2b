"""Declarations of faults: what they may say, and when they strike. No server, no job."""

import json
from pathlib import Path

import pytest

from transform_emulator.faults import api
from transform_emulator.faults.model import RULES, Fault, FaultError, Kind, parse
from transform_emulator.faults.register import FaultRegister

POISON = {"fault": "status", "status": 400, "record": "poison", "attempts": [1, 2]}


def test_a_declaration_survives_a_round_trip() -> None:
    """GET shows what PUT was given, without what has its default."""
    (fault,) = parse({"faults": [POISON]})
    assert fault == Fault(Kind.STATUS, status=400, record="poison", attempts=(1, 2))
    assert fault.document() == POISON


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"fault": "nothing"}, "unknown fault 'nothing'; there are access_denied, "),
        ({"fault": "status", "statu": 400}, "status takes no 'statu'; it takes attempts, body, "),
        ({"fault": "throttling", "seconds": 1}, "throttling takes no 'seconds'"),
        ({"fault": "status", "status": "400"}, "status cannot be '400'"),
        ({"fault": "status", "attempts": [0]}, r"attempts cannot be \[0\]"),
        ({"fault": "slow_start", "seconds": -1}, "seconds cannot be -1"),
        ({"fault": "drop", "calls": 1}, "calls cannot be 1"),
        ({"fault": "no_ping", "instance": True}, "instance cannot be True"),
        ({"fault": "leftover_output", "instance": 0}, "leftover_output takes no 'instance'"),
        ("status", "is not an object"),
    ],
)
def test_what_means_nothing_is_refused(entry: object, words: str) -> None:
    """A misspelt fault that silently never strikes would make a test pass for no reason."""
    with pytest.raises(FaultError, match=words):
        parse({"faults": [entry]})


@pytest.mark.parametrize("document", [[], {}, {"faults": {}}, {"faults": [], "more": 1}, None])
def test_a_document_is_a_list_of_faults(document: object) -> None:
    """One form only, so that a file that says something else is noticed."""
    with pytest.raises(FaultError, match="expected"):
        parse(document)


def test_all_mistakes_come_in_one_message() -> None:
    """As everywhere in the project: a person corrects a file once."""
    with pytest.raises(FaultError) as caught:
        parse({"faults": [{"fault": "x"}, {"fault": "drop", "y": 1}]})
    assert str(caught.value).startswith("fault 1: unknown")
    assert "; fault 2: drop takes no 'y'" in str(caught.value)


def test_every_kind_has_its_rule_and_takes_what_the_rule_says() -> None:
    """The table is complete, and names nothing that a fault has not."""
    assert RULES.keys() == set(Kind)
    known = set(Fault.__dataclass_fields__) - {"kind"}
    assert all({*point.value, *parameters} <= known for point, parameters in RULES.values())


def test_patterns_and_numbers_narrow_a_fault_down() -> None:
    """Names are shell patterns; an instance is a number; a record is text in the body."""
    register = FaultRegister([Fault(Kind.DROP, job="run-*", key="in/?.jsonl", instance=1, record="poison")])

    def strikes(body: bytes = b"a poison pill", **changes: object) -> bool:
        facts = {"job": "run-7", "key": "in/a.jsonl", "instance": 1, "attempt": 1} | changes
        return register.find([Kind.DROP], facts, body) is not None

    assert strikes()
    assert not strikes(job="walk-7")
    assert not strikes(key="in/ab.jsonl")
    assert not strikes(instance=0)
    assert not strikes(b"a pill")


def test_calls_count_the_occasions_that_match() -> None:
    """ "The n-th call only": others do not count, and a fault counts also while another one strikes."""
    register = FaultRegister(parse({"faults": [{"fault": "throttling", "operation": "Describe*", "calls": [2]}]})[:1])
    throttled = [
        register.find([Kind.THROTTLING], {"operation": operation}) is not None
        for operation in ("CreateTransformJob", "DescribeTransformJob", "DescribeTransformJob", "DescribeTransformJob")
    ]
    assert throttled == [False, False, True, False]
    (document,) = register.documents()
    assert (document["seen"], document["struck"]) == (3, 1)


def test_attempts_are_those_of_one_request() -> None:
    """A fault for the first attempt leaves the retry alone."""
    register = FaultRegister([Fault(Kind.STATUS, attempts=(1,))])
    found = [register.find([Kind.STATUS], {"attempt": attempt}) is not None for attempt in (1, 2, 1)]
    assert found == [True, False, True]


def test_the_first_declared_fault_strikes() -> None:
    """The order of the declarations decides, so that an exception can stand before its rule."""
    register = FaultRegister([Fault(Kind.STATUS, key="a", status=400), Fault(Kind.STATUS, status=503)])
    statuses = [register.find([Kind.STATUS], {"key": key}) for key in ("a", "b")]
    assert [fault and fault.status for fault in statuses] == [400, 503]


def test_http() -> None:
    """PUT replaces, GET shows, DELETE ends, and a mistake is a 400 that changes nothing."""
    register = FaultRegister()
    status, body = api.answer(register, "PUT", json.dumps({"faults": [POISON]}).encode())
    assert (status, json.loads(body)) == (200, {"faults": [POISON | {"seen": 0, "struck": 0}]})
    status, body = api.answer(register, "PUT", b'{"faults": [{"fault": "x"}]}')
    assert (status, "unknown fault" in json.loads(body)["message"]) == (400, True)
    assert api.answer(register, "PUT", b"not json")[0] == 400
    assert len(json.loads(api.answer(register, "GET", b"")[1])["faults"]) == 1
    assert json.loads(api.answer(register, "DELETE", b"")[1]) == {"faults": []}
    assert api.answer(register, "POST", b"")[0] == 405


def test_a_file_is_yaml_or_json(tmp_path: Path) -> None:
    """JSON is YAML, so one reader takes both."""
    file = tmp_path / "faults.yml"
    file.write_text("faults:\n- fault: status\n  status: 400\n  record: poison\n  attempts: [1, 2]\n")
    assert api.from_file(file) == parse({"faults": [POISON]})
    file.write_text(json.dumps({"faults": [POISON]}))
    assert api.from_file(file) == parse({"faults": [POISON]})
    for wrong in ("faults: [", "faults: [{fault: x}]"):
        file.write_text(wrong)
        with pytest.raises(FaultError, match=r"faults\.yml"):
            api.from_file(file)
