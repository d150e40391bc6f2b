"""What tests build once and keep: in the folder that EMULATOR_TEST_VENVS names, or else in pytest's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PYTEST_CACHE = Path(__file__).parents[2] / ".pytest_cache" / "d"


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Waits until no other process works on a place, and keeps the others waiting meanwhile."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kept(name: str, recipe: Sequence[str], make: Callable[[Path], None], within: Path | None = None) -> Path:
    """Returns the folder that `make` filled, now or in an earlier run; its name holds a hash of the recipe.

    It lies `within` a folder if that is told. Of two processes that need it the second one waits for the first.
    """
    told = os.environ.get("EMULATOR_TEST_VENVS")
    folder = within or (Path(told).absolute() if told else PYTEST_CACHE / "venvs")
    digest = hashlib.blake2b("\n".join(recipe).encode(), digest_size=6).hexdigest()
    place = folder / f"{name}-{digest}"
    with alone(place):
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)  # half of one, from a run that was interrupted
            make(place)
            (place / "complete").touch()
    return place
