"""Runs that are started from what `package` has made alone, and what is killed of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from support.bare_workers import console
from support.drivers import DEAD, IDENTITY, Run, Scene, expected
from support.strikes import Strike


@dataclass(frozen=True)
class Place:
    """Where runs are started: a folder that has `dist`, and the words and variables that name a cluster."""

    folder: Path
    words: tuple[str, ...]
    settings: Mapping[str, str]
    environment: Mapping[str, str]

    def with_words(self, *words: str, **settings: str) -> Place:
        """Returns the same place with more words, and settings with `_` for the dots."""
        named = {key.replace("_", "."): value for key, value in settings.items()}
        return replace(self, words=(*self.words, *words), settings={**self.settings, **named})

    def start(self, run: Run, *words: str) -> tuple[int, dict[str, Any]]:
        """Returns the exit code and the report of a call that waits for its end."""
        (self.folder / f"{run.run_id}.yml").write_text(json.dumps(run.document))
        settings = [word for key, value in self.settings.items() for word in ("--conf", f"{key}={value}")]
        called = ["run", f"{run.run_id}.yml", *self.words, *settings, *words]
        done = console(*called, cwd=self.folder, **{**IDENTITY, **self.environment})
        return done.returncode, json.loads(done.stdout)

    def struck(self, run: Run, kill: Callable[[], None]) -> tuple[int, dict[str, Any]]:
        """Returns the same of a call of whose run something is killed when its first job is created."""
        proxy = run.scene.proxy
        strike = Strike(0, True, kill, lambda passing: passing.operation.endswith(".CreateTransformJob")).into(proxy)
        ended = self.start(run)
        proxy.watch = proxy.answered = lambda passing: None
        assert strike.struck is not None, ended
        return ended


def shipped_run(scene: Scene, folder: Path) -> Run:
    """Returns a new run over the rows of a scene whose tables lie on this machine."""
    run = scene.run(staging=str(folder / "staging"))
    run.document["output"] = {"path": str(folder / f"out-{run.run_id}")}
    return run


def check_published_once(run: Run, report: dict[str, Any]) -> None:
    """It is as if nothing had been killed: no job was created twice, no row was scored twice, and each is there."""
    run.check_paid_once(report)
    result = pq.read_table(run.document["output"]["path"]).to_pydict()
    dead = pq.read_table(run.document["output"]["path"] + "_dead_letter").to_pylist()
    assert sorted(zip(result["id"], result["echo"], strict=True)) == expected()
    assert sorted((row["id"], row["error"]["class"]) for row in dead) == DEAD


def kill_driver() -> None:
    """Kills the Python driver that runs below this process, and waits until it is dead."""
    below = psutil.Process().children(recursive=True)
    kill([found for found in below if "python" in found.name() and "score.py" in " ".join(found.cmdline())])


def kill(processes: list[psutil.Process]) -> None:
    """Kills processes, of which there is one at least, and waits until they are dead."""
    assert processes
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=30)
