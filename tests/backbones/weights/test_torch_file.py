"""PyTorch's old format without PyTorch: tensors as they are strided, and nothing from the file is run or believed."""

import collections
import io
import os
import pickle
import sys
import tracemalloc
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights.torch_file import read_tensors
from edgetl.errors import WeightsError

MAGIC = 0x1950A86A20F9469CFC6C
Write = Callable[..., bytes]


class Storage:
    """Stands for `torch.FloatStorage` and its like; pickled as a persistent id."""

    def __init__(self, kind: Any, key: str, values: np.ndarray) -> None:
        self.kind, self.key, self.values = kind, key, values


class Tensor:
    """Pickles as torch's tensors do: a call of `_rebuild_tensor_v2` on a storage."""

    def __init__(self, rebuild: Any, storage: Storage, offset: Any, size: Any, stride: Any) -> None:
        self.call = rebuild, (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self) -> Any:
        return self.call


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return ("storage", obj.kind, obj.key, "cpu", len(obj.values), None) if isinstance(obj, Storage) else None


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """As much of torch as writing needs: pickle looks up the names that it writes."""

    def _rebuild_tensor_v2() -> None: ...

    package, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    kinds = {name: type(name, (), {"__module__": "torch"}) for name in ("FloatStorage", "LongStorage", "HalfStorage")}
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    for name, kind in kinds.items():
        setattr(package, name, kind)
    monkeypatch.setitem(sys.modules, "torch", package)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return types.SimpleNamespace(rebuild=_rebuild_tensor_v2, **kinds)


def written(state: Any, storages: list[Storage], magic: Any = MAGIC, keys: Any = None, counts: dict[str, int] | None = None) -> bytes:
    file = io.BytesIO()
    for part in (magic, 1001, {"protocol_version": 1001, "little_endian": True}, state, keys or [storage.key for storage in storages]):
        _Pickler(file, protocol=2).dump(part)
    for storage in storages:
        file.write((counts or {}).get(storage.key, len(storage.values)).to_bytes(8, "little") + storage.values.tobytes())
    return file.getvalue()


def read(content: bytes, tmp_path: Path) -> dict[str, np.ndarray]:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return read_tensors(path)


def test_offsets_and_strides_are_honoured(torch: Any, tmp_path: Path) -> None:
    """The real file's kernels are stored channels-last and many share no storage, but torch allows both."""
    floats, longs = Storage(torch.FloatStorage, "17", np.arange(30, dtype="<f4")), Storage(torch.LongStorage, "9", np.array([7], "<i8"))
    state = collections.OrderedDict(
        plain=Tensor(torch.rebuild, floats, 0, (5, 6), (6, 1)),
        transposed=Tensor(torch.rebuild, floats, 0, (6, 5), (1, 6)),
        channels_last=Tensor(torch.rebuild, floats, 6, (2, 3, 2, 2), (12, 1, 6, 3)),
        steps=Tensor(torch.rebuild, longs, 0, (), ()),
    )
    tensors = read(written(state, [floats, longs]), tmp_path)
    grid = np.arange(30, dtype=np.float32).reshape(5, 6)
    np.testing.assert_array_equal(tensors["plain"], grid)
    np.testing.assert_array_equal(tensors["transposed"], grid.T)
    np.testing.assert_array_equal(tensors["channels_last"], np.arange(6, 30).reshape(2, 2, 2, 3).transpose(0, 3, 1, 2))
    assert tensors["steps"] == 7
    assert tensors["steps"].dtype == np.int64
    tensors["plain"][0, 0] = -1
    assert tensors["transposed"][0, 0] == 0, "each tensor is an array of its own"


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (5, 7), (6, 1)),  # one element too many
        (25, (6,), (1,)),
        (-1, (4,), (1,)),
        (29, (4,), (-1,)),
        (0, (0,), (1,)),
        (0, (-3,), (1,)),
        (0, (3, 3), (1,)),  # lengths that do not match
        (0, (10**13,), (0,)),  # lies inside, and asks for 40 TB
        ("0", (4,), (1,)),
        (0, (4.5,), (1,)),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(offset: Any, size: Any, stride: Any, torch: Any, tmp_path: Path) -> None:
    storage = Storage(torch.FloatStorage, "1", np.zeros(30, "<f4"))
    content = written({"w": Tensor(torch.rebuild, storage, offset, size, stride)}, [storage])
    with pytest.raises(WeightsError, match="is not a PyTorch weights file"):
        read(content, tmp_path)


@pytest.mark.parametrize("where", ["magic", "state", "keys"])
def test_code_in_the_file_is_not_run(where: str, torch: Any, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'was_run'}",)

    storage = Storage(torch.FloatStorage, "1", np.zeros(4, "<f4"))
    state = {"w": Tensor(torch.rebuild, storage, 0, (4,), (1,))}
    parts: dict[str, Any] = {"state": state, "storages": [storage]} | {where: Attack()}
    with pytest.raises(WeightsError, match=r"asks for (posix|nt)\.system"):
        read(written(**parts), tmp_path)
    assert not (tmp_path / "was_run").exists()
    pickle.Unpickler(io.BytesIO(pickle.dumps(Attack()))).load()  # noqa: S301  the attack is a real one
    assert (tmp_path / "was_run").exists()


@pytest.mark.parametrize("name", [("builtins", "eval"), ("torch", "HalfStorage"), ("torch", "nn.Module"), ("collections", "Counter")])
def test_no_other_name_is_looked_up(name: tuple[str, str], tmp_path: Path) -> None:
    content = pickle.dumps(MAGIC, 2) + b"\x80\x02c" + "\n".join(name).encode() + b"\n."
    with pytest.raises(WeightsError, match="which weights do not need"):
        read(content, tmp_path)


def test_a_huge_count_allocates_nothing(torch: Any, tmp_path: Path) -> None:
    storage = Storage(torch.FloatStorage, "1", np.zeros(4, "<f4"))
    state = {"w": Tensor(torch.rebuild, storage, 0, (4,), (1,))}
    for count in (5, 2**31, 2**63):
        content = written(state, [storage], counts={"1": count})
        tracemalloc.start()
        try:
            with pytest.raises(WeightsError, match="ends too early"):
                read(content, tmp_path)
            assert tracemalloc.get_traced_memory()[1] < 2**20, "the count is believed only as far as the file goes"
        finally:
            tracemalloc.stop()


def test_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    """Found by fuzzing: a memo's number made the unpickler take 6 GB for 20 bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match="asks for 773406538 places"):
            read(b"\x80\x02K\x01r" + (773406538).to_bytes(4, "little") + b".", tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_file_cut_anywhere_is_a_message(torch: Any, tmp_path: Path) -> None:
    storage = Storage(torch.FloatStorage, "1", np.arange(4, dtype="<f4"))
    whole = written({"w": Tensor(torch.rebuild, storage, 0, (4,), (1,))}, [storage])
    for length in range(len(whole)):
        with pytest.raises(WeightsError):
            read(whole[:length], tmp_path)
    assert read(whole, tmp_path)["w"].tolist() == [0, 1, 2, 3]


def test_damaged_bytes_never_end_in_a_traceback(torch: Any, tmp_path: Path) -> None:
    storage = Storage(torch.FloatStorage, "1", np.arange(4, dtype="<f4"))
    whole = written(collections.OrderedDict(w=Tensor(torch.rebuild, storage, 0, (4,), (1,))), [storage])
    random = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), random.integers(1, 4)):
            damaged[place] = random.integers(256)
        try:
            read(bytes(damaged), tmp_path)
        except WeightsError:
            continue


@pytest.mark.parametrize("content", [b"", b"text\n" * 9, b"PK\x03\x04" + bytes(60), pickle.dumps({"w": 1})])
def test_other_files_are_a_message(content: bytes, tmp_path: Path) -> None:
    """PK is torch's new format, which is a zip file."""
    with pytest.raises(WeightsError, match=r"give a file of torch\.save's old format"):
        read(content, tmp_path)


def test_a_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No such file"):
        read_tensors(tmp_path / "none.pth")


def test_the_real_file_is_read_whole() -> None:
    tensors = read_tensors(BACKBONES.load("efficientnet_lite0").imagenet_files(1.0, 224)[0].obtain())
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert sum(tensor.size for name, tensor in tensors.items() if "num_batches" not in name) > 4.6e6  # the paper: 4.7 M parameters
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert all((tensor >= 0).all() for name, tensor in tensors.items() if name.endswith("running_var")), "a variance is not negative"
