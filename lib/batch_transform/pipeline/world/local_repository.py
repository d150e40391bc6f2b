"""What Maven has left on this machine, where Spark looks for jars that a user asks for."""

from __future__ import annotations

from pathlib import Path

from batch_transform.core.errors import ConfigurationError


def check_local_repository(packages: str, home: Path) -> None:
    """Refuses packages of a user's own that Spark's chain of repositories cannot resolve: it looks into ~/.m2 first.

    Args:
        packages: as `--packages` has them.
        home: the user's.

    Raises:
        ConfigurationError: ~/.m2 has a pom of one and no jar, and Ivy's own cache has none either.
    """
    faults = []
    for coordinate in filter(None, map(str.strip, packages.split(","))):
        group, _, rest = coordinate.partition(":")
        name, _, version = rest.partition(":")
        folder = home / ".m2" / "repository" / Path(*group.split(".")) / name / version
        jar = f"{name}-{version}.jar"
        is_cached = any(home.glob(f".ivy2*/cache/{group}/{name}/jars/{jar}"))
        if (folder / f"{name}-{version}.pom").is_file() and not (folder / jar).is_file() and not is_cached:
            faults.append(
                f"--packages: {folder} has the pom of {coordinate} and not its jar, and Spark looks nowhere else then; "
                "delete that folder, or have Maven fetch the jar (mvn dependency:get)"
            )
    if faults:
        raise ConfigurationError(faults)
