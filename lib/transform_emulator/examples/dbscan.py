"""A model server that needs all points at once: DBSCAN over the CSV lines of one request.

Run it with `python -m transform_emulator.examples.dbscan`. There is nothing to train: each request is a set of its own.
The answer is one JSON document, `{"predictions": [{"cluster": 0}, ...]}`, in the order of the lines; -1 is noise.
"""

import json
from typing import Any

from transform_emulator.examples.movies import Matrix
from transform_emulator.examples.server import serve

# Chosen for the components of the movies: nine clusters, each of one mix of genres. scikit-learn holds the neighbours
# of all points at once: 281 MB here.
EPS = 0.25
MIN_SAMPLES = 100


def model() -> Any:
    """Returns scikit-learn's DBSCAN, not fitted."""
    from sklearn.cluster import DBSCAN

    return DBSCAN(eps=EPS, min_samples=MIN_SAMPLES, algorithm="kd_tree")


def answer(unfitted: Any, points: Matrix) -> str:
    """Returns the document with the cluster of each point."""
    clusters = unfitted.fit(points).labels_.tolist() if points.size else []
    return json.dumps({"predictions": [{"cluster": cluster} for cluster in clusters]})


if __name__ == "__main__":
    serve(model, answer)
