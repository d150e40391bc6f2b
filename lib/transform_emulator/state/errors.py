"""Why a folder cannot keep an emulator's state, in a user's words and with what to do."""

import errno
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG = logging.getLogger(__name__)

ANOTHER_FOLDER = "give an empty folder, or one in which an emulator has kept its runs"
FROM_A_COPY = "put the folder back from a copy, or give an empty one"


class StateError(Exception):
    """A directory that cannot be used; the text says why.

    Attributes:
        owner: the process that has it; '': nobody has.
        endpoint_url: where that process answers; '': it has not said so yet.
    """

    def __init__(self, text: str, owner: str = "", endpoint_url: str = "") -> None:
        self.owner = owner
        self.endpoint_url = endpoint_url
        super().__init__(text)


def damaged(index: Path, why: str) -> StateError:
    """Returns what is told of an index that is not as an emulator has left it."""
    return StateError(f"{index} is damaged ({why}); {FROM_A_COPY}")


@contextmanager
def told_of(index: Path) -> Iterator[None]:
    """Turns whatever a folder does in the block that is not as it should be into a `StateError`.

    Args:
        index: The folder's database.
    """
    try:
        yield
    except OSError as error:
        raise _of_the_system(index.parent, error) from error
    except sqlite3.OperationalError as error:  # of the disk, of rights, of others who hold it
        do = f"see that its disk has room and that you may write there, {FROM_A_COPY}"
        raise StateError(f"{index} cannot be used ({error}); {do}") from error
    except sqlite3.Error as error:
        raise damaged(index, str(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # Values are not quoted, so where in it is for --verbose.
        LOG.info("%s", index, exc_info=True)
        raise damaged(index, "what it says of an object, a job or a model cannot be read") from error


def _of_the_system(folder: Path, error: OSError) -> StateError:
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return StateError(f"{error.filename or folder} is no folder, or lies in none; {ANOTHER_FOLDER}")
    where = "" if error.filename in {None, str(folder)} else f" ({error.filename})"
    return StateError(f"nothing can be kept in {folder}: {error.strerror}{where}; {ANOTHER_FOLDER}")
