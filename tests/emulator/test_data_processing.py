"""Filters and joins of single bodies, and the subset of JSONPath, without any I/O."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.emulator_aws import request
from transform_emulator.filters.data_processing import Processing, ProcessingError, media_type
from transform_emulator.filters.json_path import JsonPathError, parse
from transform_emulator.service.job_request import from_api
from transform_emulator.service.switches import AnswerType, Switches

DOCUMENT = {"id": "k", "a": [0, 1, 2, 3, 4, 5], "b": {"c": 1, "d": 2}}


def processing(content_type: str = "application/jsonlines", split: str = "Line", **data_processing: str) -> Processing:
    body = request("job", "bucket", TransformInput__ContentType=content_type, TransformInput__SplitType=split)
    return Processing(from_api(body | {"DataProcessing": data_processing}), Switches())


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        ("$", DOCUMENT),
        ("", DOCUMENT),
        ("$.id", "k"),
        ("$.b.c", 1),
        ("$.b.*", [1, 2]),
        ("$.a[*]", [0, 1, 2, 3, 4, 5]),
        ("$['id']", "k"),
        ("$['id','b']", {"id": "k", "b": {"c": 1, "d": 2}}),
        ("$.b.['c','d']", {"c": 1, "d": 2}),  # the developer guide writes the dot
        ("$.a[1]", 1),
        ("$.a[-1]", 5),
        ("$.a[1,3,5]", [1, 3, 5]),
        ("$.a[1:4]", [1, 2, 3, 4]),  # "specifies the second through fifth columns"
        ("$.a[:5]", [0, 1, 2, 3, 4, 5]),  # "from the first column (index 0) through the sixth column"
        ("$.a[4:]", [4, 5]),
        ("$.a[:-1]", [0, 1, 2, 3, 4, 5]),
        ("$.a[:-2]", [0, 1, 2, 3, 4]),
    ],
)
def test_the_supported_operators(path: str, selected: Any) -> None:
    """The table and the examples of the developer guide, batch-transform-data-processing."""
    assert parse(path, slice_end_inclusive=True).select(DOCUMENT) == selected


def test_the_slice_of_ordinary_json_path_is_a_switch() -> None:
    """The guide's table speaks of the array slice operator, its examples of an end that is included."""
    assert parse("$.a[1:4]", slice_end_inclusive=False).select(DOCUMENT) == [1, 2, 3]


@pytest.mark.parametrize("path", ["id", "$id", "$.a[0:1,2:]", "$[?(@.a)]", "$..a", "$['a", "$.a[1:2:3]", "$['a',1]"])
def test_anything_else_is_an_invalid_path(path: str) -> None:
    """ "SageMaker supports only a subset of the defined JSONPath operators"; what is outside it is an error."""
    with pytest.raises(JsonPathError, match="Invalid JsonPath"):
        parse(path, slice_end_inclusive=True)


@pytest.mark.parametrize("path", ["$.x", "$.b.x", "$.id.x", "$.a[6]", "$.a[-7]", "$.b[0]", "$['id','x']", "$.id.*"])
def test_what_is_not_there_is_an_error(path: str) -> None:
    """ "If you specify indexes that aren't within the dimension size of the joined dataset, you get an error"."""
    with pytest.raises(JsonPathError):
        parse(path, slice_end_inclusive=True).select(DOCUMENT)


@given(st.lists(st.integers(), min_size=1, max_size=6), st.integers(-8, 8), st.integers(-8, 8))
def test_a_slice_is_pythons_with_one_more(values: list[int], start: int, end: int) -> None:
    """Reference: every element whose index lies between start and end, both counted from the end if negative."""
    first = max(0, start + len(values) if start < 0 else start)
    last = end + len(values) if end < 0 else end
    expected = [value for index, value in enumerate(values) if first <= index <= last]
    assert parse(f"$[{start}:{end}]", slice_end_inclusive=True).select(values) == expected


def test_a_job_that_does_neither_is_not_parsed() -> None:
    """Byte for byte: a body that is not JSON at all passes."""
    plain = processing()
    assert not plain.active
    assert plain.request_body(b"\xff\n") == b"\xff\n"
    assert plain.output(b"1\n", b"\xff") == b"\xff"


def test_a_filter_keeps_line_ends_as_they_are() -> None:
    r"""A mini-batch of lines stays one of as many lines; a last line without `\n` stays without."""
    filtered = processing(InputFilter="$.a")
    assert filtered.request_body(b'{"a": 1}\n{"a": [2]}\n') == b"1\n[2]\n"
    assert filtered.request_body(b'{"a": "x\xe2\x80\xa8y"}') == b'"x\xe2\x80\xa8y"'  # U+2028 does not end a line


def test_an_unsplit_json_object_is_one_document() -> None:
    """SplitType None and application/json: the object may be printed over several lines."""
    whole = processing("application/json", split="None", JoinSource="Input")
    joined = whole.output(b'{\n "a": 1\n}', b'{"p":\n2}\n')
    assert joined == b'{"SageMakerOutput":{"p":2},"a":1}'


def test_an_attribute_named_like_the_output_is_overwritten() -> None:
    """ "the data in the input file might be overwritten" (developer guide)."""
    joined = processing(JoinSource="Input").output(b'{"SageMakerOutput":0}\n', b"1")
    assert joined == b'{"SageMakerOutput":1}'


def test_a_join_pairs_the_lines_of_a_mini_batch() -> None:
    """MULTI_RECORD on JSON Lines: response lines are paired with input lines (AWS's monitoring notebook)."""
    joined = processing(JoinSource="Input", OutputFilter="$['id','SageMakerOutput']")
    lines = joined.output(b'{"id":1,"x":0}\n{"id":2,"x":0}\n', b"10\n20\n").split(b"\n")
    assert [json.loads(line) for line in lines] == [{"id": 1, "SageMakerOutput": 10}, {"id": 2, "SageMakerOutput": 20}]


@pytest.mark.parametrize("response", [b"1", b"1\n2\n3", b""])
def test_a_join_of_another_number_of_lines_fails(response: bytes) -> None:
    """A prediction on the wrong row would be worse; the words are a switch, as they were never found."""
    with pytest.raises(ProcessingError):
        processing(JoinSource="Input").output(b"[1]\n[2]\n", response)


def test_csv_is_quoted_where_it_must_be() -> None:
    """ "CSV data should also follow RFC format" (developer guide): RFC 4180."""
    joined = processing("text/csv; charset=utf-8", JoinSource="Input", OutputFilter="$[0,-1]")
    assert joined.output(b'"a,""b""",2\nc,3\n', b"0.5\n0.7") == b'"a,""b""",0.5\nc,0.7'


@pytest.mark.parametrize(
    ("content_type", "data", "words"),
    [
        ("text/csv", b'a"b"c",1\n"x" y,2\n', "Failed to parse output from the algorithm as CSV"),
        ("application/json", b"{", "Failed to parse output from the algorithm as JSON"),
        ("application/json", b"\xff", "Failed to parse output from the algorithm as JSON"),
        ("application/json", b"[NaN]", "Failed to parse output from the algorithm as JSON: NaN is no number of JSON"),
        ("application/jsonlines", b"[-Infinity]", "Failed to parse output from the algorithm as JSON: -Infinity is no"),
        (
            "application/jsonlines",
            b"[1e999]",
            "Failed to parse output from the algorithm as JSON: a number is too large",
        ),
        (
            "application/jsonlines",
            b"[" * 100_000,
            "Failed to parse output from the algorithm as JSON: it is nested too",
        ),
    ],
)
def test_what_cannot_be_parsed_fails_the_file(content_type: str, data: bytes, words: str) -> None:
    """The data-log's words: amazon-sagemaker-examples#821."""
    with pytest.raises(ProcessingError, match=words):
        processing(content_type, OutputFilter="$[0]").output(b"", data)


CSV_TO_JSON = {"TransformOutput__Accept": "application/json", "DataProcessing__OutputFilter": "$['class']"}


def filtering(switches: Switches = Switches(), **changes: Any) -> Processing:  # noqa: B008
    body = request("job", "bucket", TransformInput__ContentType="text/csv", **changes)
    return Processing(from_api(body), switches)


def test_records_and_answers_have_types_of_their_own() -> None:
    """AWS's AutoGluon notebook: text/csv in, application/json out, both filtered, no join."""
    both = filtering(**CSV_TO_JSON, DataProcessing__InputFilter="$[:1]")
    assert both.request_body(b"1,2,3\n") == b"1,2\n"
    assert both.output(b"1,2,3\n", b'{"class": "a", "p": [1]}', "text/html") == b'"a"'


@pytest.mark.parametrize(
    ("accept", "told", "switches", "expected"),
    [
        ("application/json", "text/csv", Switches(), b"[1,2]"),
        ("application/json", "text/csv", Switches(answer_type=AnswerType.CONTENT_TYPE), b"[[1"),
        (None, "application/json; charset=utf-8", Switches(), b"[1,2]"),
        ("*/*", "Application/JSONLines", Switches(), b"[1,2]"),
        ("application/json", None, Switches(answer_type=AnswerType.CONTENT_TYPE), b"[1,2]"),
        (None, "text/html", Switches(), b"[[1"),
        (None, None, Switches(), b"[[1"),
    ],
)
def test_an_answer_is_read_by_what_was_asked_for_or_by_what_it_says_it_is(
    accept: str | None, told: str | None, switches: Switches, expected: bytes
) -> None:
    """Accept before Content-Type is a switch; the records' own type is for answers of which nothing is known."""
    reading = filtering(switches, TransformOutput__Accept=accept, DataProcessing__OutputFilter="$[0]")
    assert reading.output(b"1\n", b"[[1,2],3]", told) == expected


@pytest.mark.parametrize("first", list(AnswerType))
def test_a_join_reads_an_answer_like_its_records_whatever_it_calls_itself(first: AnswerType) -> None:
    """A join asks that the two be of one type; Flask's servers call everything text/html, others JSON."""
    joining = filtering(Switches(answer_type=first), DataProcessing__JoinSource="Input")
    assert joining.output(b"1\n2\n", b"3\n4\n", "application/json") == b"1,3\n2,4"


def test_a_json_answer_may_be_one_document_or_one_for_each_line() -> None:
    """A server may print its document over several lines; two documents in a row are two records."""
    one = filtering(**CSV_TO_JSON)
    assert one.output(b"1\n", b'{\n "class": 1\n}\n') == b"1\n"
    assert one.output(b"1\n2\n", b'{"class":1}\n{"class":2}\n') == b"1\n2\n"


@pytest.mark.parametrize(
    ("split", "data", "words"),
    [
        (
            "Line",
            b'1,2\na"b,1\n',
            'Failed to parse line: \'a"b,1\n\' as CSV: bare " in non quoted field found near: a"b,1\n',
        ),
        ("Line", b'1," 2"3\n', "Failed to parse line: '1,\" 2\"3\n' as CSV: "),
        ("Line", b'1,"2', "Failed to parse line: '1,\"2' as CSV: "),
        ("Line", b'\xff"\n', "Failed to parse line: '\ufffd\"\n' as CSV: "),
        ("None", b'1,2\na"b,1\n', 'Failed to parse input as CSV: bare " in non quoted field found near: a"b,1\n'),
    ],
)
@pytest.mark.parametrize("filters", [{"InputFilter": "$[0]"}, {"JoinSource": "Input"}])
def test_a_bare_quote_is_refused_in_the_words_of_the_service(
    split: str, data: bytes, words: str, filters: dict[str, str]
) -> None:
    """amazon-sagemaker-examples#1620, and #898 where the object is not split."""
    strict = processing("text/csv", split, **filters)
    with pytest.raises(ProcessingError) as caught:
        strict.output(data, b"1\n2\n") if "JoinSource" in filters else strict.request_body(data)
    assert str(caught.value) == "ClientError: 400"
    assert (caught.value.message or "").startswith(words)


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    """Go's encoding/json: "invalid UTF-16 surrogate pairs are not treated as an error"; U+FFFD is in their place."""
    joining = processing(JoinSource="Input")
    assert joining.output(b'{"a":"\\ud83d\\ude00\\\\ud800"}\n', b'"x\\uDC00y"').decode() == (
        '{"SageMakerOutput":"x\ufffdy","a":"\U0001f600\\\\ud800"}'
    )


@pytest.mark.parametrize("depth", range(900, 1100, 7))
def test_a_record_that_can_just_be_read_is_written_or_fails_its_file(depth: int) -> None:
    """Python's limits for reading and for writing JSON are not the same; a join adds to the depth."""
    joining = processing(JoinSource="Input")
    try:
        joining.output(b"[" * depth + b"]" * depth + b"\n", b"1")
    except ProcessingError:
        return


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), min_size=1))
def test_cells_of_any_size_and_text_come_back(cells: list[str]) -> None:
    """Whatever Python's own writer, which quotes by RFC 4180, has put into a line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    line = text.getvalue().encode()
    selected = processing("text/csv", InputFilter="$[:]").request_body(line)
    assert list(csv.reader([selected.decode()])) == list(csv.reader([line.decode()]))


@pytest.mark.parametrize("cell", ["x" * 200_000, '"' + "x," * 100_000 + '"', "a\rb", '"a\rb"', "\0"])
def test_a_cell_may_be_long_and_hold_a_carriage_return(cell: str) -> None:
    r"""`\n` alone ends a line (FACTS.md, 2.3), and no source knows of a limit beside MaxPayloadInMB."""
    joined = processing("text/csv", JoinSource="Input").output(f"{cell},{cell}\n".encode(), b"1").decode()
    assert joined.replace('"', "") == f"{cell},{cell},1".replace('"', "")
    assert ("\r" not in cell) or joined.startswith('"')


@pytest.mark.parametrize("line", [b'"a""b",1\r\n', b",\n", b"\n", b'"a,b"\n', b"a b,c\n"])
def test_what_follows_rfc_4180_is_csv(line: bytes) -> None:
    """Quotes at both ends of a cell, and twice within it."""
    assert processing("text/csv", InputFilter="$[:]").request_body(line).strip(b"\r\n") == line.strip(b"\r\n")


def test_media_types() -> None:
    """Parameters of a content type say nothing of the format."""
    assert media_type("Text/CSV; label_size=1") == "text/csv"
    assert media_type(None) is None
