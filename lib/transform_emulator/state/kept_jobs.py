"""Transform jobs, kept: requests, lives, and how far each has come. It satisfies `Keep` and `Progress`."""

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from transform_emulator.control_plane.jobs import FINAL, Job, Life, Scope, Status
from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.data_plane.progress import Outcomes
from transform_emulator.state.database import Database


class KeptJobs:
    """What is on disk of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        ((last,),) = database.rows("SELECT coalesce(max(finished), 0) FROM inputs")
        self._finished = itertools.count(last + 1)

    def keep(self, job: Job, life: Life) -> None:
        """Records a new job, or a change of its life."""
        owner = (job.arn, job.scope.account, job.scope.region)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (arn) DO UPDATE SET life = excluded.life",
                (*owner, job.created.isoformat(), json.dumps(job.body), json.dumps(_document(life))),
            )
            # In the same transaction, so that rows of a job that has ended are never left behind.
            if life.status in FINAL:
                connection.execute("DELETE FROM inputs WHERE job = ?", (job.arn,))

    def load(self) -> Iterator[Job]:
        """Yields all jobs, in the order of their creation."""
        for account, region, created, body, life in self._database.rows(
            "SELECT account, region, created, body, life FROM jobs ORDER BY rowid"
        ):
            scope = Scope(account, region, access_key="")
            yield Job(scope, json.loads(body), datetime.fromisoformat(created), _life(json.loads(life)))

    def begin(self, job: str, objects: Sequence[InputObject]) -> None:
        """Notes what a job reads, before any of it is sent."""
        rows = [(job, item.bucket, item.key, item.relative, place) for place, item in enumerate(objects)]
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM inputs WHERE job = ?", (job,))
            # A manifest may name an object twice, for one and the same output.
            connection.executemany("INSERT OR IGNORE INTO inputs VALUES (?, ?, ?, ?, ?, NULL, NULL)", rows)

    def objects(self, job: str) -> list[InputObject]:
        """Returns what a job that has not ended reads, in order; empty until that was noted."""
        sql = "SELECT bucket, key, relative FROM inputs WHERE job = ? ORDER BY position"
        return [InputObject(*row) for row in self._database.rows(sql, job)]

    def note(self, job: str, item: InputObject, reason: str | None) -> None:
        """Notes that an object is done: its output is written, or it has none for this reason."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE inputs SET reason = ?, finished = ? WHERE job = ? AND bucket = ? AND key = ? AND relative = ?",
                (reason, next(self._finished), job, item.bucket, item.key, item.relative),
            )

    def outcomes(self, job: str) -> Outcomes:
        """Returns the objects that are done, in the order of that: None for an output, or why there is none."""
        sql = "SELECT bucket, key, relative, reason FROM inputs WHERE job = ? AND finished ORDER BY finished"
        return {InputObject(*item): reason for *item, reason in self._database.rows(sql, job)}

    def end(self, job: str) -> None:
        """Forgets nothing more: `keep` has removed the rows with the final status."""


def _document(life: Life) -> dict[str, Any]:
    times = {"modified": life.modified, "started": life.started, "ended": life.ended}
    return {
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
        "status": life.status.value,
        "failure_reason": life.failure_reason,
        "tags": dict(life.tags),
    }


def _life(document: dict[str, Any]) -> Life:
    started, ended = (document[name] and datetime.fromisoformat(document[name]) for name in ("started", "ended"))
    return Life(
        status=Status(document["status"]),
        modified=datetime.fromisoformat(document["modified"]),
        started=started,
        ended=ended,
        failure_reason=document["failure_reason"],
        tags=document["tags"],
    )
