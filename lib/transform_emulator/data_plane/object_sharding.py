"""Map input objects to instances: a file is never shared between them."""

import hashlib
from collections.abc import Sequence

from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.service.switches import Sharding


def shards(objects: Sequence[InputObject], instance_count: int, sharding: Sharding) -> list[list[InputObject]]:
    """One list of objects for each instance, together all of them, in input order within an instance.

    "Partitions the Amazon S3 objects in the input by key and maps Amazon S3 objects to instances" (developer guide).
    """
    result: list[list[InputObject]] = [[] for _ in range(instance_count)]
    if sharding is Sharding.ALL_TO_ONE:
        result[0].extend(objects)
        return result
    if sharding is Sharding.CONTIGUOUS_RANGES:
        for place, item in enumerate(sorted(objects, key=lambda each: each.key)):
            result[place * instance_count // len(objects)].append(item)
        return result
    for item in objects:
        digest = hashlib.blake2b(item.key.encode(), digest_size=8).digest()
        result[int.from_bytes(digest, "big") % instance_count].append(item)
    return result
