"""Documents with values of other kinds in their places: bytes alone seldom get past a parser."""

import copy
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any


def swapped(document: Callable[[], Any]) -> Callable[[bytes], bytes]:
    """Bytes as instructions: at places that they choose in the document, values of other kinds that they choose."""

    def swap(content: bytes) -> bytes:
        whole = {"": json.loads(json.dumps(document()))}
        for where, what in struct.iter_unpack("<HH", content[: len(content) // 4 * 4][:32]):
            places = list(_places(whole))
            holder, key = places[where % len(places)]
            value = _OTHERS[what % len(_OTHERS)]
            if value is _REMOVED:
                if key != "":
                    del holder[key]
            else:
                holder[key] = copy.deepcopy(value)
        return json.dumps(whole[""]).encode()

    return swap


_REMOVED = object()
_OTHERS: tuple[Any, ...] = (
    *(_REMOVED, None, True, 0, 1, -1, 2**63, 10**400, 0.5, -1e308, float("inf"), float("nan")),
    *("", "x", "../../etc/passwd", "/dev/zero", "\x1b[2J\n\ud800\u202e", "a\0b", "9" * 5000, "e" * 5000),
    *([], {}, [[]], {"": {}}, [1, "x", None], {"x": 1}, {"seconds": "x", "files": {"/etc/passwd": 5}}),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
