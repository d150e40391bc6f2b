"""Row B of the workloads on real data: PCA of 58,788 movies, then DBSCAN over the components of all of them at once."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.cluster import DBSCAN
from sklearn.decomposition import PCA

import movies as chain
from batch_transform import score
from transform_emulator.examples import dbscan, movies

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ORIGINAL_COLUMNS = 2_348  # of the matrix of ratings in the notebook that the movies stand for


@pytest.fixture(scope="module")
def chained(spark, tmp_path_factory):
    """What `jobs/movies.py` printed, left in its folder, and read of the movies."""
    folder = tmp_path_factory.mktemp("movies")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        text = chain.run(spark, folder / "out")
    table = pq.read_table(folder / "out" / "clusters").to_pandas().sort_values("id")
    return SimpleNamespace(text=text, out=folder / "out", table=table)


@pytest.fixture(scope="module")
def components():
    """scikit-learn's own, of the matrix in the order of the file."""
    return PCA(n_components=3, svd_solver="full").fit_transform(movies.matrix(movies.table()))


def test_b6_each_movie_has_the_components_that_scikit_learn_gives_it(chained, components):
    assert chained.table["id"].tolist() == list(range(1, 58_789))
    np.testing.assert_allclose(np.stack(chained.table["projection"]), components, rtol=0, atol=1e-9)


def test_b6_each_movie_is_in_the_cluster_that_scikit_learn_puts_it_in(chained, components):
    labels = DBSCAN(eps=dbscan.EPS, min_samples=dbscan.MIN_SAMPLES).fit(components).labels_
    assert chained.table["cluster"].tolist() == labels.tolist()
    assert labels.max() == 8


def test_b6_the_movies_come_out_as_they_went_in(chained):
    told = movies.table()
    assert chained.table["title"].tolist() == told["title"].tolist()
    assert chained.table["votes"].tolist() == told["votes"].tolist()


def test_b6_five_movies_of_each_cluster_are_told_and_all_are_drawn(chained):
    paragraphs = chained.text.strip().split("\n\n")
    clusters, told = paragraphs[:-1], paragraphs[-1]
    assert [len(paragraph.split("\n")) for paragraph in clusters] == [6] * 10
    assert "    Shawshank Redemption, The (1994)" in chained.text
    drawing = (chained.out / "clusters.svg").read_text()
    assert str(chained.out / "clusters.svg") in told
    assert all(paragraph.partition(":")[0] in drawing for paragraph in clusters)


def test_b3_all_components_were_one_request(chained):
    """DBSCAN labels a set: more requests than one would have numbered clusters from 0 in each."""
    assert chained.table["cluster"].nunique() == 10


def test_b1_a_record_may_be_as_wide_as_the_originals(spark, world, tmp_path):
    """2,348 numbers on a line of text/csv, and one JSON document for a whole mini-batch."""
    rows = np.random.default_rng(5).random((60, ORIGINAL_COLUMNS))
    seen = []

    def answer(body: bytes) -> tuple[int, bytes]:
        lines = [[float(cell) for cell in line.split(b",")] for line in body.split(b"\n") if line]
        seen.extend(lines)
        return 200, json.dumps({"projections": [{"projection": [line[0], line[-1]]} for line in lines]}).encode()

    df = spark.createDataFrame(
        [(number, row) for number, row in enumerate(rows.tolist())], "id int, rated array<double>"
    )
    arguments = world.arguments(
        tmp_path,
        record={"format": "csv", "columns": ["rated"]},
        prediction={"format": "json", "records_path": "projections", "schema": "projection array<double>"},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.models["echo"].script, "answer", answer)
        result = score(df, **arguments).df.orderBy("id").collect()
    assert sorted(seen) == sorted(rows.tolist())
    assert [row.projection for row in result] == [[row[0], row[-1]] for row in rows.tolist()]
