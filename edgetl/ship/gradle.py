"""Gradle's wrapper, which builds an Android app without any Gradle installed: fetched once, by its hash, into the user's cache."""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from platformdirs import user_cache_path

from edgetl.errors import RunError
from edgetl.fetch import UNREACHABLE, AnotherFile, fetch
from edgetl.files import sha256

# The wrapper of Gradle 9.6.1, as Gradle's own repository "actions" has it at this commit; it starts the Gradle that the app's
# gradle-wrapper.properties names. The jar's sha256 is also in that repository's list of all wrappers (wrapper-checksums.json).
_ADDRESS = "https://raw.githubusercontent.com/gradle/actions/889dc537cf3672c0c060560c9ead940a2b8b7077/.github/workflow-samples/kotlin-dsl"
SHA256 = {
    "gradlew": "a5a5c199ba02189ae8c46a334223371a20599d9c298ef65e7540ede4a3f72d59",
    "gradlew.bat": "d539676c48b596afda64c963ec8f7ee56c7b3fe7e3b81d1dbe2d1a1e3dd9e9f8",
    "gradle/wrapper/gradle-wrapper.jar": "497c8c2a7e5031f6aa847f88104aa80a93532ec32ee17bdb8d1d2f67a194a9c7",
}
_PATIENCE_S = 10.0  # without a byte, for 60 KB: without them an app is only less convenient


class Wrapper(NamedTuple):
    """The wrapper's files by their path in an app; none where they are neither in the cache nor can be fetched, and `problem` says why."""

    files: Mapping[str, bytes]
    problem: str = ""


def wrapper() -> Wrapper:
    """Return the wrapper, asking the network for it once in a process."""
    return _fetched(_ADDRESS)


@functools.cache
def _fetched(address: str) -> Wrapper:
    try:
        return Wrapper(MappingProxyType({name: _file(f"{address}/{name}", digest) for name, digest in SHA256.items()}))
    except (*UNREACHABLE, AnotherFile, RunError) as error:
        return Wrapper(MappingProxyType({}), str(getattr(error, "reason", error)))  # urllib wraps its own


def _file(url: str, wanted: str) -> bytes:
    path = user_cache_path("edgetl") / "gradle" / wanted
    if not path.is_file() or sha256(path) != wanted:
        fetch(url, wanted, path, _PATIENCE_S)
    return path.read_bytes()
