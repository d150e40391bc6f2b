"""A script's functions behind HTTP: which are called with what, and what their answers and errors become."""

import json
import threading
import time
import types
from pathlib import Path
from typing import Any

import flask
import numpy as np
import pytest

from transform_emulator.scripts import codecs
from transform_emulator.scripts.handler import Handler, ScriptError
from transform_emulator.scripts.server import load, make_app


class Summing:
    """A model whose prediction is the sum of each row."""

    def predict(self, data: Any) -> Any:
        return data.sum(axis=1)


def script(**functions: Any) -> types.ModuleType:
    """A script with a model_fn and these functions."""
    module = types.ModuleType("inference")
    vars(module).update({"model_fn": lambda model_dir: Summing()} | functions)
    return module


def served(**functions: Any) -> Any:
    """A client of a server of that script."""
    return make_app(Handler(script(**functions), "/models/m")).test_client()


def post(client: Any, data: bytes, content_type: str | None = "text/csv", accept: str | None = None) -> Any:
    headers = {"Content-Type": content_type, "Accept": accept}
    return client.post("/invocations", data=data, headers={name: value for name, value in headers.items() if value})


def test_a_server_is_healthy_once_its_model_is_loaded() -> None:
    """/ping answers 200; without execution_parameters_fn nothing is advertised."""
    client = served()
    assert client.get("/ping").status_code == 200
    assert client.get("/execution-parameters").status_code == 404


def test_a_script_may_advertise_execution_parameters() -> None:
    """As in the scikit-learn container."""
    client = served(execution_parameters_fn=lambda: {"MaxConcurrentTransforms": 4})
    assert client.get("/execution-parameters").get_json() == {"MaxConcurrentTransforms": 4}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"1,2\n3,4\n"),
        ("application/json", b"[[1, 2], [3, 4]]"),
        (None, b"[[1, 2], [3, 4]]"),  # a request without a type is JSON
        ("application/x-npy", codecs.encode(np.array([[1, 2], [3, 4]]), codecs.NPY)[0]),
    ],
)
def test_the_defaults_read_three_formats(content_type: str | None, body: bytes) -> None:
    """Numpy arrays of the same rows, whatever the format."""
    answer = post(served(), body, content_type)
    assert (answer.status_code, answer.mimetype, json.loads(answer.data)) == (200, "application/json", [3, 7])


@pytest.mark.parametrize("body", [b"1,2.5\n3,\n", b"1,2.5\n", b"1.5,2\n3.5,4\n"])
def test_columns_may_be_of_several_types(body: bytes) -> None:
    """Whole numbers beside fractions, and missing cells, which are NaN: one table of float32."""
    seen: list[Any] = []
    post(served(predict_fn=lambda data, model: seen.append(data) or [0]), body)
    cells = [[float(cell or "nan") for cell in line.split(b",")] for line in body.split()]
    np.testing.assert_array_equal(seen[0], np.array(cells, dtype=np.float32))
    assert seen[0].dtype == np.float32


def test_what_has_one_dimension_is_one_row() -> None:
    """The scikit-learn container reshapes it: a single CSV line is one row, and so is a single column."""
    assert json.loads(post(served(), b"1,2\n").data) == [3]
    assert json.loads(post(served(), b"1\n2\n").data) == [3]


@pytest.mark.parametrize(
    ("accept", "media_type", "body"),
    [
        ("text/csv", "text/csv", b"3.0\n7.0\n"),
        ("*/*", "application/json", b"[3.0, 7.0]"),
        ("image/png, text/csv", "text/csv", b"3.0\n7.0\n"),
    ],
)
def test_the_default_answer_is_of_a_type_that_is_accepted(accept: str, media_type: str, body: bytes) -> None:
    """The first that can be written; JSON for any."""
    answer = post(served(), b"1,2\n3,4\n", accept=accept)
    assert (answer.mimetype, answer.data) == (media_type, body)


def test_a_variable_says_what_any_type_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT of the model's environment, where the job has no Accept."""
    monkeypatch.setenv("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    assert post(served(), b"1,2\n3,4\n").data == b"3.0\n7.0\n"


@pytest.mark.parametrize("types", [("text/csv; charset=utf-8", None), ("text/csv", "image/png")])
def test_a_type_that_no_default_knows_is_an_error_of_the_model(types: tuple[str, str | None]) -> None:
    """500 and not 415: sagemaker-inference knows one status for what is no error of its own (transformer.py)."""
    answer = post(served(), b"1,2\n", *types)
    assert answer.status_code == 500
    assert b"UnsupportedFormatError" in answer.data


def test_an_exception_is_a_500_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """In the body, which the service puts into the data-log, and on standard error, the container's log."""

    def predict_fn(data: Any, model: Any) -> Any:
        raise KeyError("age")

    answer = post(served(predict_fn=predict_fn), b"1,2\n")
    assert answer.status_code == 500
    assert answer.data.startswith(b"'age'\nTraceback")
    assert "in predict_fn" in capsys.readouterr().err


def test_an_exception_with_a_status_has_that_status() -> None:
    """As `sagemaker_inference.errors.BaseInferenceToolkitError` and its like carry one."""

    class Refused(Exception):
        status_code, message = 400, "no age"

    def input_fn(body: str, content_type: str) -> Any:
        raise Refused

    answer = post(served(input_fn=input_fn), b"1,2\n")
    assert (answer.status_code, answer.data.partition(b"\n")[0]) == (400, b"no age")


@pytest.mark.parametrize(
    ("result", "media_type", "body"),
    [
        (("a,b", "text/csv"), "text/csv", b"a,b"),
        ("text", "application/json", b"text"),
        (bytearray(b"\x00\xff"), "application/json", b"\x00\xff"),
        (flask.Response("made", mimetype="image/png"), "image/png", b"made"),
        ({"p": [1]}, "application/json", b'{\n  "p": [\n    1\n  ]\n}'),  # Multi Model Server's indentation
    ],
)
def test_what_output_fn_may_return(result: Any, media_type: str, body: bytes) -> None:
    """A pair, text, bytes, a response; anything else is written as JSON."""
    answer = post(served(output_fn=lambda prediction, accept: result), b"1,2\n")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, media_type, body)


def test_transform_fn_replaces_the_three() -> None:
    """It gets the model, the body as text, its type, and what is accepted."""

    def transform_fn(model: Any, data: str, content_type: str, accept: str) -> Any:
        return json.dumps([type(model).__name__, data, content_type, accept])

    answer = post(served(transform_fn=transform_fn), b"1,2\n", accept="x/y")
    assert json.loads(answer.data) == ["Summing", "1,2\n", "text/csv", "x/y"]


def test_a_body_of_another_type_is_bytes() -> None:
    """Only CSV and JSON are decoded."""
    client = served(
        input_fn=lambda body, content_type: body,
        predict_fn=lambda data, model: data[::-1],
        output_fn=lambda prediction, accept: prediction,
    )
    assert post(client, b"\x00\xff", "image/jpeg").data == b"\xff\x00"


def test_a_function_may_take_a_context() -> None:
    """One argument more than it needs: where the model lies, and the request's headers."""

    def model_fn(model_dir: str, context: Any) -> Any:
        return context.system_properties["model_dir"]

    def output_fn(prediction: Any, accept: str, context: Any) -> str:
        return f"{prediction} {context.get_request_header(0, 'Content-Type')}"

    client = served(model_fn=model_fn, predict_fn=lambda data, model: model, output_fn=output_fn)
    assert post(client, b"1,2\n").data == b"/models/m text/csv"


def test_functions_around_model_fn_are_called_in_order() -> None:
    """`pre_model_fn`, `model_fn`, `model_warmup_fn`."""
    calls: list[Any] = []
    served(
        pre_model_fn=lambda model_dir: calls.append("before"),
        model_fn=lambda model_dir: calls.append("load") or "model",
        model_warmup_fn=lambda model_dir, model: calls.append(model),
    )
    assert calls == ["before", "load", "model"]


def test_a_function_with_too_many_arguments_says_so() -> None:
    """A clear error rather than a missing argument."""
    answer = post(served(predict_fn=lambda data, model, context, more: data), b"1,2\n")
    assert b"takes 4 arguments but 2 were given" in answer.data


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ({"model_fn": None}, "no model_fn"),
        ({"transform_fn": print, "input_fn": print}, "cannot stand beside input_fn"),
    ],
)
def test_a_script_that_cannot_be_served_is_refused(functions: dict[str, Any], words: str) -> None:
    """model_fn has no default; transform_fn leaves nothing to do for the other three."""
    with pytest.raises(ScriptError, match=words):
        served(**functions)


def test_requests_are_answered_one_at_a_time() -> None:
    """A worker of SageMaker's containers has one request in hand: scripts rely on it."""
    inside: list[int] = []
    seen: list[int] = []

    def predict_fn(data: Any, model: Any) -> Any:
        inside.append(1)
        seen.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return [0]

    client_of = served(predict_fn=predict_fn).application.test_client
    threads = [threading.Thread(target=lambda: post(client_of(), b"1,2\n")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1, 1, 1, 1]


@pytest.mark.parametrize("status", [None, 200, "404"])
def test_an_exceptions_status_that_is_no_failure_is_a_500(status: Any) -> None:
    """A 200 would make the traceback a prediction."""

    class Odd(Exception):
        status_code = status

    def predict(data: Any, model: Any) -> Any:
        raise Odd("no")

    assert post(served(predict_fn=predict), b"1,2\n").status_code == 500


def test_a_script_may_be_called_as_a_module_that_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SM_MODEL_DIR", "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY", "SAGEMAKER_CONTAINER_LOG_LEVEL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("sys.path", [])
    path = tmp_path / "types.py"
    path.write_text("def model_fn(model_dir): return 7\n")
    assert load(path, tmp_path).model_fn("") == 7
