"""Parquet publications on real S3 servers: cut anywhere, resumed, and read meanwhile."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from batch_transform.core.uris import S3Uri
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.s3.store import S3Store
from support.cut_http import cut
from support.faults import Crash, Fate, Faults
from support.publishing import MODES, SOURCE, before, data, published, run
from support.s3_clients import RETRIES, client_of
from support.success_reader import SuccessReader

DEATHS = (Fate.DIE_BEFORE, Fate.DIE_AFTER)
SAMPLE = 3  # of the points of a mode, in CI


class Scene:
    """A workspace and an output in a bucket of their own, and drivers that publish there."""

    def __init__(self, server, bucket, mode):
        self._server, self._bucket, self._mode = server, bucket, mode
        self._client = client_of(server, bucket)
        self.source, self.target = self._trees(self._client)
        self.ledger = {}

    def _trees(self, client):
        store = S3Store(client)
        return S3Tree(store, S3Uri(self._bucket, "run/result")), S3Tree(store, S3Uri(self._bucket, "out"))

    def lay_out(self):
        for tree, files in ((self.source, SOURCE), (self.target, before(self._mode))):
            tree.clear()
            for name, body in files.items():
                tree.put(name, body)
        self.ledger = {}

    def publish(self, fates=None, threads=1):
        """Returns the requests that a driver made before it ended or was killed."""
        faults = Faults(fates)
        with suppress(Crash):
            run(self.ledger, self._mode, *self._trees(cut(self._server.client(retries=RETRIES), faults)), threads)
        return faults.log

    def files(self):
        return {file.name: self.target.read(file.name) for file in self.target.list()}


@pytest.mark.parametrize("mode", MODES)
def test_a_publication_on_a_real_server(server, bucket, mode):
    scene = Scene(server, bucket, mode)
    scene.lay_out()
    scene.publish(threads=4)
    found = scene.files()
    assert data(found) == published(mode)
    assert "_SUCCESS" in found
    assert list(scene.source.list()) == []


def all_points(scene):
    scene.lay_out()
    return [(point, fate) for point in range(len(scene.publish())) for fate in DEATHS]


def cut_and_resume(scene, points):
    """Kills a driver at each point, and lets another one go on; returns what readers saw who looked on, each once."""
    scene.lay_out()
    scene.publish()
    final = scene.files()
    seen = []
    for point, fate in points:
        scene.lay_out()
        with SuccessReader(scene.target) as reader:
            reader.look_again()
            scene.publish({point: fate})
            reader.look_again()
            scene.publish()
            reader.look_again()
        assert scene.files() == final, (point, fate)
        assert list(scene.source.list()) == [], (point, fate)
        seen.append(reader.seen)
    return seen


@pytest.mark.parametrize("mode", MODES)
def test_cut_and_resumed_before_the_eyes_of_a_reader(second_s3, bucket, mode):
    """He who honours `_SUCCESS` sees the table before, then the table published, and nothing between."""
    scene = Scene(second_s3, bucket, mode)
    points = random.Random(mode).sample(all_points(scene), SAMPLE)
    assert cut_and_resume(scene, points) == [[data(before(mode)), published(mode)]] * SAMPLE


@pytest.mark.parametrize("mode", MODES)
def test_cut_ten_times_in_a_row(second_s3, bucket, mode):
    """The points lie early: each driver gets at most a few requests further than the one before."""
    scene, chance = Scene(second_s3, bucket, mode), random.Random(mode)
    scene.lay_out()
    with SuccessReader(scene.target) as reader:
        reader.look_again()
        for _ in range(10):
            scene.publish({chance.randrange(5): chance.choice(DEATHS)})
        scene.publish()
        reader.look_again()
    assert data(scene.files()) == published(mode)
    assert reader.seen == [data(before(mode)), published(mode)]


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_cut_at_every_request_before_the_eyes_of_a_reader(second_s3, bucket, mode):
    scene = Scene(second_s3, bucket, mode)
    points = all_points(scene)
    assert cut_and_resume(scene, points) == [[data(before(mode)), published(mode)]] * len(points)
    print(f"{mode}: killed at {len(points)} points")
