"""What the CSV models share: the table of a request, a model that is trained in the background, and the server."""

import io
import os
import threading
import warnings
from collections.abc import Callable
from typing import Generic, TypeVar

import flask
import numpy as np

from transform_emulator.examples.movies import Matrix
from transform_emulator.service.allowed_callers import behind_doors

DEFAULT_PORT = 8080  # where SageMaker expects a container to listen
THREADS = 4
MAX_REQUEST_BYTES = 100 * 2**20  # MaxPayloadInMB's own limit

Model = TypeVar("Model")


class Learner(Generic[Model]):
    """A model that is there once it has been learnt."""

    def __init__(self, learn: Callable[[], Model]) -> None:
        self._learn = learn
        self._model: list[Model] = []

    def start(self) -> None:
        """Learns in another thread."""
        threading.Thread(target=self.learn, name="learn", daemon=True).start()

    def learn(self) -> None:
        """Learns in this thread."""
        self._model.append(self._learn())

    @property
    def model(self) -> Model | None:
        """The model, or None while it is being learnt."""
        return self._model[0] if self._model else None


def table_of(body: bytes) -> Matrix:
    """Returns the numbers of a CSV body without a header, one row for each line.

    Raises:
        ValueError: A cell is no number, or the lines differ in length.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "loadtxt: input contained no data")
        return np.loadtxt(io.BytesIO(body), delimiter=",", ndmin=2, comments=None)


def make_app(learner: Learner[Model], answer: Callable[[Model, Matrix], str]) -> flask.Flask:
    """Returns the web application: /ping, 200 once the model is there, and /invocations.

    Args:
        learner: Of the model.
        answer: The JSON document for a request's table; a ValueError is the client's fault, 400.
    """
    app = flask.Flask(__name__)

    @app.get("/ping")
    def ping() -> tuple[str, int]:
        return "", 200 if learner.model is not None else 503

    @app.post("/invocations")
    def invocations() -> flask.Response | tuple[str, int]:
        if learner.model is None:
            return "the model is still being trained", 503
        try:
            return flask.Response(
                answer(learner.model, table_of(flask.request.get_data())), mimetype="application/json"
            )
        except ValueError as error:
            return f"the request is no table of numbers for this model: {error}", 400

    return app


def serve(learn: Callable[[], Model], answer: Callable[[Model, Matrix], str]) -> None:
    """Serves on SAGEMAKER_BIND_TO_PORT until the process is ended."""
    # OpenMP reads the variable when it is loaded, so scikit-learn is imported after it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import waitress

    learner = Learner(learn)
    learner.start()
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT))
    app = behind_doors(make_app(learner, answer))
    waitress.serve(app, host="127.0.0.1", port=port, threads=THREADS, max_request_body_size=MAX_REQUEST_BYTES + 1)
