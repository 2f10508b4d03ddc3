"""Arm kernels on an emulated processor, for real: QEMU, an arm64 Python and the runtimes' aarch64 wheels, unpacked once into build/."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgetl.devices import open_device
from edgetl.devices.base import Job
from edgetl.devices.local import LocalDevice
from edgetl.devices.plan import Plan
from edgetl.errors import DeviceError, UsageError
from tests.conftest import CliResult, Made
from tests.devices.tiny_model import images, write

PROCESSORS = ("cortex-a76", "cortex-a53")
COUNT = 4  # images


@pytest.fixture
def emulator(arm64: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, name in (("ROOT", "root"), ("SITE", "site"), ("QEMU", "qemu-aarch64")):
        monkeypatch.setenv(f"EDGETL_ARM64_{key}", str(arm64 / name))


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has made nothing, and has no QEMU."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "devices.toml").touch()
    monkeypatch.setenv("EDGETL_DEVICES", str(tmp_path / "devices.toml"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for key in ("ROOT", "SITE", "QEMU"):
        monkeypatch.delenv(f"EDGETL_ARM64_{key}", raising=False)
    return tmp_path


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Job]:
    file = tmp_path / "images.bin"
    images(COUNT).tofile(file)
    return lambda kind, **choices: Job(write(kind, tmp_path), "litert", Plan(**choices), file, COUNT)


@pytest.fixture
def here() -> Iterator[LocalDevice]:
    device = LocalDevice("here")
    yield device
    device.close()


def test_each_missing_part_says_how_to_get_it(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, part in (("root", "root"), ("site", "site"), ("qemu", "qemu-aarch64")):
        with pytest.raises(DeviceError, match=rf"there is no .*{part}") as caught:
            open_device("qemu:cortex-a53")
        assert "benchmarks/arm64_root.sh" in caught.value.remedy
        assert f"{key} = ..." in caught.value.remedy
        there = nothing / key
        there.mkdir()
        monkeypatch.setenv(f"EDGETL_ARM64_{key.upper()}", str(there))
    with pytest.raises(DeviceError, match=r"no usr/bin/python3"):
        open_device("qemu:cortex-a53")


def test_settings_are_those_of_the_devices_file(nothing: Path) -> None:
    (nothing / "devices.toml").write_text('[old]\nkind = "qemu"\ncpu = "cortex-a35"\nroot = "/no/where"\n', encoding="utf-8")
    with pytest.raises(DeviceError, match="old: there is no /no/where"):
        open_device("old")
    (nothing / "devices.toml").write_text('[old]\nkind = "qemu"\nprocessor = "cortex-a35"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="has 'processor'"):
        open_device("old")


def test_a_processor_must_be_named(nothing: Path) -> None:
    with pytest.raises(UsageError, match="names no processor"):
        open_device("qemu")


def test_devices_does_not_offer_what_was_never_made(nothing: Path, cli: Callable[..., CliResult]) -> None:
    assert "qemu:cortex-a76" not in cli("devices", "--json").document


@pytest.mark.usefixtures("emulator")
def test_facts_are_the_emulated_processors() -> None:
    device = open_device("qemu:cortex-a53")
    facts = device.probe()
    device.close()
    assert not device.timed
    assert (facts.chip, facts.abi) == ("cortex-a53", "aarch64")
    assert facts.model.startswith("QEMU ")
    assert facts.runtimes["litert"]
    assert facts.runtimes["onnxruntime"]
    assert facts.memory_bytes is facts.cores is None
    assert not facts.state.frequencies_mhz


@pytest.mark.usefixtures("emulator")
def test_a_processor_that_qemu_does_not_know() -> None:
    device = open_device("qemu:cortex-b1; touch x")
    with pytest.raises(DeviceError, match="unable to find CPU model 'cortex-b1; touch x'") as caught:
        device.probe()
    device.close()
    assert "-cpu help" in caught.value.remedy


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("processor", PROCESSORS)
def test_arm_kernels_answer_as_this_hosts(processor: str, asked: Callable[..., Job], here: LocalDevice) -> None:
    device = open_device(f"qemu:{processor}")
    emulated = device.measure(asked("int8", runs=1000, warmup=1000, profile=5))
    device.close()
    predictions, expected = (np.array(reply.predictions) for reply in (emulated, here.measure(asked("int8", runs=1))))
    assert np.ptp(expected, axis=0).max() > 0.2, "the network must tell the images apart, or this test shows nothing"
    np.testing.assert_allclose(predictions, expected, atol=3 / 256)  # a rounding in each of three layers
    assert len(emulated.measurement.samples_ms) == 1, "its times mean nothing: not one more run than is needed"
    assert emulated.measurement.peak_memory_bytes is None
    assert emulated.measurement.profile is None
    assert "emulator" in emulated.measurement.profile_note


@pytest.mark.usefixtures("emulator")
def test_command_claims_no_latency(cli: Callable[..., CliResult], tmp_path: Path) -> None:
    outcome = cli("benchmark", write("int8", tmp_path), "--device", "qemu:cortex-a53", "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    [result] = outcome.document["results"]
    assert result["measurement"]["latency_ms"] is result["measurement"]["cold_start_ms"] is None
    assert "not timed" in outcome.err
    assert not (tmp_path / "benchmark.png").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("emulator")
def test_32_images_of_a_run_in_two_minutes_a_model(cli: Callable[..., CliResult], made: Made, tmp_path: Path) -> None:
    devices = [text for processor in PROCESSORS for text in ("--device", f"qemu:{processor}")]
    outcome = cli("benchmark", made.run, *devices, "--accuracy", 32, "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    for result in outcome.document["results"]:
        assert result["measurement"]["seconds"] < 120
        assert result["predictions"]["agreement"]["top1_agreement"] == 1
