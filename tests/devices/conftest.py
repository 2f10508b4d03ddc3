"""Two tiny model files for devices to run, and a real ssh server on loopback."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.devices import DEVICES_FILE
from edgetl.devices.base import Job
from edgetl.devices.plan import Plan
from tests.processes import free_ports

SIZE = 16
RUNTIMES = ("litert", "onnxruntime")


@dataclass(frozen=True)
class Models:
    """int8 files of one tiny network, 40 images uint8 [40, 16, 16, 3] in memory and in a file, and what the network says of them."""

    paths: dict[str, Path]
    images: np.ndarray
    file: Path
    contract: Any

    def job(self, runtime: str, model: Path | None = None, **choices: object) -> Job:
        plan = Plan(**{"runs": 5, "warmup": 1} | choices)  # type: ignore[arg-type]
        return Job(model or self.paths[runtime], runtime, plan, self.file, len(self.images))

    def expected(self, runtime: str) -> np.ndarray:
        """float32 [40, 3]: by the runtime in this process."""
        from edgetl.runtimes import open_session

        return open_session(self.paths[runtime], self.contract)(self.images)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return _made(tmp_path_factory.mktemp("models"), "uint8")


@pytest.fixture(scope="session")
def float_ended(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The same network with a float softmax at the end of its int8 files."""
    return _made(tmp_path_factory.mktemp("models"), "float32")


def _made(folder: Path, output: Any) -> Models:
    from edgetl.keras import keras, layers

    from edgetl.contract import Contract
    from edgetl.export import FORMATS
    from edgetl.export.base import Conversion
    from edgetl.export.tflite_writer import int8_tflite
    from edgetl.quantization.quantized import bake
    from tests.quantization.ranges import activation_ranges

    keras.utils.set_random_seed(2)
    contract = Contract.square(SIZE, 1 / 127.5, 128, ("a", "b", "c")).ending_in(output)
    random = np.random.default_rng(1)
    colours = random.uniform(30, 225, (40, 1, 1, 3))
    images = np.clip(colours + random.normal(0, 20, (40, SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.ReLU(6.0, name="relu")(layers.Conv2D(8, 3, 2, "same", bias_initializer="random_normal", name="conv")(image))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=2.0), name="logits")(x))
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    ranges = activation_ranges(model, contract, images, np.arange(len(images)))
    content = int8_tflite(bake(model, weights, ranges, contract).to_keras(model, contract), contract)
    paths = {"litert": folder / "tiny.tflite", "onnxruntime": folder / "tiny.onnx"}
    paths["litert"].write_bytes(content)
    paths["onnxruntime"].write_bytes(Conversion(model, contract, "int8", FORMATS.load, made={"tflite": content}).file("onnx"))
    images.tofile(folder / "images.bin")
    return Models(paths, images, folder / "images.bin", contract)


@dataclass
class Server:
    """A real sshd, and the client's configuration under which the host is called `board`."""

    folder: Path
    port: int
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def config(self, **changes: str) -> Path:
        """A client's configuration file with these changes."""
        path = self.folder / f"config-{len(list(self.folder.glob('config-*')))}"
        lines = [f"  {key} {value}" for key, value in (self.options | changes).items()]
        path.write_text("\n".join(["Host board", *lines, ""]), encoding="utf-8")
        return path

    def start(self) -> None:
        command = [str(shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, start_new_session=True)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """Kill the daemon and every session of it, as a board that loses its power."""
        assert self.process
        tree = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout.split("\n")[1:]
        children: dict[int, list[int]] = {}
        for line in filter(None, tree):
            pid, parent = map(int, line.split())
            children.setdefault(parent, []).append(pid)
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            waiting += children.get(pid, [])
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        self.process.wait(10)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Bound to loopback, with throw-away keys; who runs the tests logs in."""
    if not shutil.which("ssh") or not shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"):
        pytest.skip("OpenSSH's client and server are not installed (Debian: openssh-client, openssh-server)")
    folder = tmp_path_factory.mktemp("sshd")
    for key in ("host", "user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    [port] = free_ports(1)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "UsePAM no\nStrictModes no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin yes\n",
        encoding="utf-8",
    )
    host_key = (folder / "host.pub").read_text(encoding="utf-8")
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host_key}", encoding="utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(parents=True, exist_ok=True)  # privilege separation wants it
    options = {
        "HostName": "127.0.0.1",
        "Port": str(port),
        "IdentityFile": f"{folder}/user",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": f"{folder}/known",
    }
    server = Server(folder, port, options)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def devices_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the user's devices file."""

    def write(text: str) -> None:
        path = tmp_path / "devices.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv(DEVICES_FILE, str(path))

    write("")
    return write
