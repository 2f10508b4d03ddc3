"""The microcontroller's program: compiled without warnings, and run here and on an emulated Cortex-M4. What the model predicts comes from
TensorFlow Lite Micro's interpreter, whose own C++ is not here."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.decode import crop_and_resize
from edgetl.micro import interpreter
from edgetl.micro.footprint import Footprint, footprint
from edgetl.micro.interpreter import Interpreter
from edgetl.micro.operators import _KNOWN, ETHOS_U, _resolver
from edgetl.micro.sources import contract_sources, model_sources
from edgetl.pipeline.ship.app import AppOptions, ship
from edgetl.ship import archive
from edgetl.ship.golden import Golden
from edgetl.ship.golden_sources import golden_sources
from edgetl.ship.targets.base import template
from tests.conftest import CliResult, Made
from tests.ship.repack import RESIZED
from tests.ship.targets.mcu_tools import (
    ARM,
    HOST,
    MACHINES,
    PART,
    PIXELS,
    STRICT,
    STUBS,
    Machine,
    frame,
    includes,
    lacking,
    objects,
    ran,
    write_frames,
    write_replay,
)

Cli = Callable[..., CliResult]
BUNDLES = ("coloured", "of_several_classes", "float_ended")
pytestmark = pytest.mark.skipif(bool(interpreter.missing()), reason=interpreter.missing())


@dataclass(frozen=True)
class Shipped:
    """A program's folder, and what it is to say of its golden images and of a camera's frames."""

    app: Path
    data: Path
    contract: Contract
    model: bytes

    def outputs(self, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.generic]]:
        with Interpreter(self.model) as one:
            return [one(image[np.newaxis])[0] for image in images]


def _shipped(bundle: Path, folder: Path) -> Shipped:
    app, data = folder / "it's an app", folder / "data"
    ship(bundle, "mcu", AppOptions(out=app))
    model = app / PART / "model"
    name = json.loads((model / "app.json").read_text(encoding="utf-8"))["model"]
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    data.mkdir()
    return Shipped(app, data, Contract.parse(manifest["contract"]), (model / name).read_bytes())


@pytest.fixture(scope="session", params=BUNDLES)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return _shipped(request.getfixturevalue(request.param), tmp_path_factory.mktemp("mcu"))


@pytest.fixture(scope="session")
def one(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return _shipped(coloured, tmp_path_factory.mktemp("mcu"))


@pytest.fixture(scope="session")
def kept(one: Shipped, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The objects of a program that passes on this computer, by their names."""
    _golden_alone(one)
    return objects(HOST, one.app, tmp_path_factory.mktemp("objects"))


def _golden(shipped: Shipped) -> list[NDArray[np.uint8]]:
    return list(np.fromfile(shipped.app / PART / "model/golden/pixels.bin", np.uint8).reshape(-1, *shipped.contract.shape))


def _golden_alone(shipped: Shipped) -> None:
    images = _golden(shipped)
    write_replay(shipped.data, images, shipped.outputs(images))
    write_frames(shipped.data, [])


def _said(contract: Contract, output: NDArray[np.generic]) -> str:
    """The program's words for an output [K] of the model."""
    row = output / np.float32(256) if output.dtype == np.uint8 else output
    words = [f"{name} {permille // 10}.{permille % 10} %" for name, permille in zip(contract.class_names, _permille(row), strict=True)]
    present = contract.output.present(row[np.newaxis])[0]
    guess = (
        f"none of the classes (nearest: {words[row.argmax()]})" if contract.output.several else f"not sure (perhaps {words[row.argmax()]})"
    )
    return ", ".join(np.asarray(words)[present]) if present.any() else guess


def _permille(row: NDArray[np.generic]) -> list[int]:
    return (np.float32(1000) * row + np.float32(0.5)).astype(int).tolist()


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_it_proves_itself_and_names_what_a_camera_sees(shipped: Shipped, machine: Machine, tmp_path: Path) -> None:
    contract, images = shipped.contract, _golden(shipped)
    seen = np.asarray(Image.fromarray(images[0]).resize((90, 61), Image.Resampling.BICUBIC))
    frames = [(image.tobytes(), image.shape[1::-1], "rgb888", image) for image in images]
    for pixels in PIXELS:
        content, left = frame(seen, pixels)
        frames.append((content, (90, 61), pixels, crop_and_resize(Image.fromarray(left), contract)))
    taken = [image for *_, image in frames]
    outputs = shipped.outputs(taken)
    write_replay(shipped.data, taken, outputs)
    write_frames(shipped.data, [part[:3] for part in frames])
    program = machine.linked(objects(machine, shipped.app, tmp_path).values(), tmp_path / "program")
    done = machine.run(program, shipped.data)
    assert done.returncode == 0, done.stdout + done.stderr
    proof, *said = done.stdout.split("\n")[:-1]
    assert proof.startswith("edgetl self-test: passed; 12 images, ")
    assert proof.endswith("; resize 0 levels off")
    assert said == [_said(contract, output) for output in outputs]
    guesses = [line.startswith(("not sure", "none of")) for line in said]
    assert contract.output.ends_in_float or True in guesses[:12], "a golden image is unknown, or shows none of the classes"
    assert not contract.output.several or any(line.count("%") > 1 for line in said), "another shows several"


def _edited(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def _replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def _one_byte(name: str) -> Callable[[str], str]:
    """Another byte in the middle of an array."""

    def change(text: str) -> str:
        middle = text.index(",", (text.index(f"{name}[]") + len(text)) // 2 if name != "kGoldenPixels" else text.index(f"{name}[]") + 5000)
        value, behind = re.match(r",(\d+)(.*)", text[middle:], re.DOTALL).groups()  # type: ignore[union-attr]
        return f"{text[:middle]},{(int(value) + 1) % 256}{behind}"

    return change


def _turned(name: str) -> Callable[[str], str]:
    """The values of a list in the opposite order."""
    return lambda text: re.sub(
        rf"({name}\[\w+\] = \{{)(.*)(\}};)", lambda found: found[1] + ", ".join(_items(found[2])[::-1]) + found[3], text
    )


def _items(text: str) -> list[str]:
    return re.findall(r'"(?:[^"\\]|\\.)*"|[^\s,"][^,]*', text)


MADE, OWN = "generated/edgetl", "src"
MISTAKES = {
    "a byte of the model": (f"{MADE}/model_data.cc", _one_byte("kModel"), "the model was changed"),
    "a golden pixel": (f"{MADE}/golden.cc", _one_byte("kGoldenPixels"), "the golden images were changed"),
    "another order of the class names": (f"{MADE}/contract.cc", _turned("kClassNames"), "the class names were changed"),
    "other thresholds": (f"{MADE}/contract.cc", lambda text: re.sub(r"(kPresentFrom.*) \{.*\}", r"\1 {}", text), "decided otherwise"),
    "other outputs": (f"{OWN}/model.cc", _replaced("uint8[index])", "uint8[kClasses - 1 - index])"), "the predictions are not the golden"),
    "red for blue": (f"{OWN}/classifier.cc", _replaced("memcpy(model_input(), pixels, kInputBytes)", "BGR"), "the predictions are not"),
    "a crop beside the centre": (f"{OWN}/resize.cc", _replaced("(2 * output + 1) * step", "2 * output * step"), "give other pixels"),
    "a filter without antialiasing": (
        f"{OWN}/resize.cc",
        _replaced("2 * (step > unit ? step : unit)", "2 * unit"),
        "cropping and resizing give other pixels",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_fails_the_self_test(one: Shipped, kept: dict[str, Path], tmp_path: Path, mistake: str) -> None:
    place, change, says = MISTAKES[mistake]
    app = Path(shutil.copytree(one.app, tmp_path / "app"))
    swapped = "for (size_t at = 0; at < kInputBytes; ++at) model_input()[at] = pixels[at - at % 3 + 2 - at % 3]"
    _edited(app / PART / place, lambda text: change(text).replace("std::BGR", swapped))
    changed = HOST.compiled(app / PART / place, includes(app), tmp_path)
    program = HOST.linked({**kept, changed.stem: changed}.values(), tmp_path / "program")
    done = HOST.run(program, one.data)
    assert done.returncode == 7, done.stdout
    assert done.stdout.startswith("edgetl self-test: failed: ")
    assert says in done.stdout


def test_names_in_another_order_fail_though_their_hash_is_right(one: Shipped, kept: dict[str, Path], tmp_path: Path) -> None:
    """As where a packer mixed them up before the hashes were taken."""
    app = Path(shutil.copytree(one.app, tmp_path / "app"))
    names = "".join(f"{name}\n" for name in one.contract.class_names[::-1]).encode()
    right, wrong = (hashlib.sha256(content).hexdigest() for content in (one.contract.class_name_lines, names))
    _edited(app / PART / MADE / "contract.cc", _turned("kClassNames"))
    _edited(app / PART / MADE / "golden.h", _replaced(right, wrong))
    changed = [HOST.compiled(app / PART / place, includes(app), tmp_path) for place in (f"{MADE}/contract.cc", f"{OWN}/self_test.cc")]
    done = HOST.run(HOST.linked({**kept, **{path.stem: path for path in changed}}.values(), tmp_path / "program"), one.data)
    assert done.returncode == 7
    assert "the class names are in another order than the model's outputs" in done.stdout


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_resize_is_that_of_training_to_the_bit(machine: Machine, one: Shipped, tmp_path: Path) -> None:
    machine.needed()
    rng, cases = np.random.default_rng(1), []
    with (tmp_path / "images.bin").open("wb") as file:
        for width, height, taken in RESIZED:
            image = rng.integers(0, 256, (height, width, 3), np.uint8)
            wanted = crop_and_resize(Image.fromarray(image), one.contract.taking(taken))
            header = (width, height, taken.width, taken.height, wanted.shape[2], taken.crop != "none")
            file.write(np.asarray(header, np.int32).tobytes() + image.tobytes())
            cases.append(wanted)
    folder = [one.app / PART / "src"]
    files = [folder[0] / "resize.cc", *machine.sources]
    made = [machine.compiled(source, folder, tmp_path) for source in files]
    driver = machine.compiled(Path(shutil.copy(STUBS / "programs/resize.cc", tmp_path / "driver.cc")), folder, tmp_path)
    done = machine.run(machine.linked([*made, driver], tmp_path / "program"), tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    found = np.fromfile(tmp_path / "resized.bin", np.uint8)
    assert found.tobytes() == b"".join(wanted.tobytes() for wanted in cases)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_hash_is_sha256_whatever_the_length(machine: Machine, one: Shipped, tmp_path: Path) -> None:
    machine.needed()
    lines = [hashlib.sha256(bytes(range(size))).hexdigest() for size in range(130)]  # its blocks have 64 bytes, the last of them 55
    (tmp_path / "hashes.txt").write_text("\n".join(lines), encoding="utf-8")
    source = one.app / PART / "src"
    files = [source / "sha256.cc", STUBS / "programs/hash.cc", *machine.sources]
    done = machine.run(machine.linked([machine.compiled(file, [source], tmp_path) for file in files], tmp_path / "program"), tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_smoothing_averages_the_last_frames_and_decides_again(machine: Machine, one: Shipped, tmp_path: Path) -> None:
    machine.needed()
    frames = np.random.default_rng(5).dirichlet(np.ones(len(one.contract.class_names)), 11).astype(np.float32)
    frames.tofile(tmp_path / "probabilities.bin")
    files = [one.app / PART / "src/decide.cc", one.app / PART / MADE / "contract.cc", STUBS / "programs/smooth.cc", *machine.sources]
    made = [machine.compiled(file, includes(one.app), tmp_path) for file in files]
    done = machine.run(machine.linked(made, tmp_path / "program"), tmp_path)
    assert done.returncode == 0
    found = np.fromfile(tmp_path / "smooth.bin", np.float32).reshape(frames.shape)
    np.testing.assert_array_equal(found[0], frames[0], "the first frame is alone")
    np.testing.assert_allclose(found, [frames[max(0, at - 7) : at + 1].mean(axis=0) for at in range(len(frames))], atol=1e-6)
    assert done.stdout.rstrip("\n").split("\n") == [_said(one.contract, row) for row in found]


@pytest.mark.parametrize("name", ["wide", "grey"])
def test_inputs_of_any_kind(name: str, of_other_inputs: dict[str, Path], tmp_path: Path) -> None:
    """By what a program is made of, since these bundles hold float models, which the target refuses."""
    manifest, files = archive.read(of_other_inputs[name])
    model = next(name for name in manifest.models if name.endswith(".tflite"))
    made = contract_sources(manifest.contract) | model_sources(
        files[model], manifest.files[model].sha256, Footprint(1 << 20, 1, 1, ("AddSoftmax",))
    )
    made |= golden_sources(manifest, model, files)
    templates = {path: content for path, content in template("mcu").items() if path.startswith(PART.as_posix())}
    for path, content in {**templates, **{f"{PART}/{MADE}/{path}": content for path, content in made.items()}}.items():
        (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / path).write_bytes(content)
    golden = Golden.of(files, manifest.contract)
    seen = np.random.default_rng(2).integers(0, 256, (45, 80, 3), np.uint8)
    images = [*golden.pixels, crop_and_resize(Image.fromarray(seen), manifest.contract)]
    outputs = list(golden.predictions[model].astype(np.float32))
    write_replay(tmp_path, images, [*outputs, outputs[3]])
    write_frames(tmp_path, [(seen.tobytes(), (80, 45), "rgb888")])
    done = HOST.run(HOST.linked(objects(HOST, tmp_path / "app", tmp_path).values(), tmp_path / "program"), tmp_path)
    assert done.stdout.split("\n")[:2] == [
        "edgetl self-test: passed; 12 images, 0.00 of 256 steps off at most, 0.00 on average, 0 decided otherwise; resize 0 levels off",
        _said(manifest.contract, outputs[3]),
    ]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("board", ["S3_EYE", "AI_THINKER", "NONE"])
def test_the_program_of_esp_idf_compiles_without_warnings(machine: Machine, board: str, one: Shipped, tmp_path: Path) -> None:
    machine.needed()
    folders = [*includes(one.app), STUBS / "esp", one.app / "main"]
    flags = (*machine.compiler, *STRICT, "-DESP_PLATFORM", f"-DSTUB_{board}", *(f"-I{folder}" for folder in folders), "-fsyntax-only")
    ran(*flags, one.app / "main/main.cc", one.app / "main/camera.cc", one.app / PART / "src/model.cc")


def test_the_stub_registers_every_operator_that_a_model_may_have() -> None:
    """A project of any network is compiled against it, not of the tests' small ones alone."""
    stub = (STUBS / "tflm/tensorflow/lite/micro/micro_mutable_op_resolver.h").read_text(encoding="utf-8")
    assert set(re.findall(r"TfLiteStatus (Add\w+)\(\)", stub)) == {_resolver(kind) for kind in (*_KNOWN, ETHOS_U)}


def test_a_compiler_without_its_library_is_a_reason_to_skip() -> None:
    """Debian has Arm's compiler in one package and the C library in another."""
    assert lacking(HOST.compiler, HOST.linker[:1], ()) == ""
    for compiler, linker in (((*HOST.compiler, "-nostdinc"), HOST.linker[:1]), (HOST.compiler, ("g++", "-lnewlib-that-is-missing"))):
        found = lacking(compiler, linker, ())
        assert found.startswith("g++ lacks a library (apt-get install g++ libc6-dev): ")
        assert "cstdio" in found or "newlib-that-is-missing" in found
    assert "there is no arm-none-eabi-gpp (apt-get install" in lacking(("arm-none-eabi-gpp",), (), ())
    if shutil.which(ARM.compiler[0]):
        assert "libnewlib-arm-none-eabi" in lacking((*ARM.compiler, "-nostdinc"), (ARM.linker[0], *ARM.library), ())


def test_the_arena_is_what_was_measured_and_a_tenth(one: Shipped) -> None:
    text = (one.app / PART / MADE / "model_data.h").read_text(encoding="utf-8")
    numbers = {name: int(value) for name, value in re.findall(r"size_t (\w+) = (\d+);", text)}
    measured = footprint(one.model).arena_bytes
    assert numbers == {"kModelBytes": len(one.model), "kMeasuredArenaBytes": measured, "kArenaBytes": -(-11 * measured // 10240) * 1024}


def test_a_small_arena_is_said(one: Shipped, kept: dict[str, Path], tmp_path: Path) -> None:
    app = Path(shutil.copytree(one.app, tmp_path / "app"))
    _edited(app / PART / MADE / "model_data.h", lambda text: re.sub(r"kArenaBytes = \d+", "kArenaBytes = 1024", text))
    changed = HOST.compiled(app / PART / "src/model.cc", includes(app), tmp_path)
    done = HOST.run(HOST.linked({**kept, "model": changed}.values(), tmp_path / "program"), one.data)
    assert (done.returncode, done.stdout) == (1, "the arena is too small: raise EDGETL_EXTRA_ARENA_BYTES\n")


def test_the_folder_is_a_plain_cmake_library(one: Shipped, tmp_path: Path) -> None:
    """As Zephyr and Arm's programs take it; and every file that ESP-IDF is to compile is there."""
    if not shutil.which("cmake"):
        pytest.skip("there is no cmake (apt-get install cmake)")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(program CXX)\n"
        f'add_library(tflite-micro STATIC "{STUBS}/tflm/replay.cc")\ntarget_include_directories(tflite-micro PUBLIC "{STUBS}/tflm")\n'
        f'add_compile_options({" ".join(STRICT[1:])})\nadd_subdirectory("{one.app / PART}" classifier)\n'
        f'add_executable(program "{STUBS}/programs/prove.cc")\ntarget_link_libraries(program PRIVATE edgetl_classifier tflite-micro)\n'
        'function(idf_component_register)\n  cmake_parse_arguments(PARSE_ARGV 0 one "" "" "SRCS;INCLUDE_DIRS;PRIV_INCLUDE_DIRS")\n'
        "  foreach(path ${one_SRCS} ${one_INCLUDE_DIRS} ${one_PRIV_INCLUDE_DIRS})\n"
        '    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${path}")\n      message(FATAL_ERROR "there is no ${path}")\n    endif()\n'
        "  endforeach()\nendfunction()\nset(ESP_PLATFORM 1)\n"
        f'add_subdirectory("{one.app / PART}" component)\nadd_subdirectory("{one.app}/main" main)\n',
        encoding="utf-8",
    )
    ran("cmake", "-S", tmp_path, "-B", tmp_path / "build")
    ran("cmake", "--build", tmp_path / "build")
    _golden_alone(one)
    assert HOST.run(tmp_path / "build/program", one.data).returncode == 0


def test_into_an_existing_project_goes_the_library_alone(cli: Cli, coloured: Path, tmp_path: Path) -> None:
    refused = cli("ship", coloured, "--target", "mcu", "--into", tmp_path)
    assert refused.code == 2
    assert "holds no CMakeLists.txt" in refused.err
    (tmp_path / "CMakeLists.txt").write_text("mine", encoding="utf-8")
    done = cli("ship", coloured, "--target", "mcu", "--into", tmp_path, "--json")
    assert done.code == 0, done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [".edgetl-ship.json", "CMakeLists.txt", "components"]
    assert (tmp_path / PART / MADE / "golden.cc").is_file()
    assert str(tmp_path / PART) in done.document["next"]


def test_float_models_are_refused(cli: Cli, of_other_inputs: dict[str, Path], made: Made, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made.run, tmp_path / "run"))
    for path in (run / "export").glob("model_int8*"):
        path.unlink()
    refused = cli("ship", run, "--target", "mcu", "--out", tmp_path / "app")
    assert refused.code != 0
    for arguments in ((), ("--runtime", "onnxruntime")):
        refused = cli("ship", of_other_inputs["grey"], "--target", "mcu", *arguments, "--out", tmp_path / "app")
        assert refused.code != 0
    assert not (tmp_path / "app").exists()


def test_a_model_that_micro_predicts_otherwise_is_refused(
    cli: Cli, coloured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Interpreter.__call__
    monkeypatch.setattr(Interpreter, "__call__", lambda one, image: call(one, image)[:, ::-1])
    refused = cli("ship", coloured, "--target", "mcu", "--out", tmp_path / "app")
    assert refused.code == 7
    assert "does not give its golden predictions" in refused.err
    assert not (tmp_path / "app").exists()


def test_the_golden_predictions_are_those_of_micros_own_kernels(one: Shipped) -> None:
    """A board gives them to the bit, where LiteRT's, in the bundle, may be dozens of steps off."""
    text = (one.app / PART / MADE / "golden.cc").read_text(encoding="utf-8")
    rows = re.findall(r"\{([\d., Fef-]+)\}", text[text.index("kGoldenPredictions") : text.index("kGoldenBest")])
    found = np.array([[float(value.rstrip("F")) for value in row.split(", ")] for row in rows])
    np.testing.assert_allclose(256 * found, one.outputs(_golden(one)), atol=1e-3)


@pytest.mark.parametrize(("steps", "code"), [(44, 0), (52, 7)])
def test_kernels_that_round_otherwise_are_not_called_another_model(
    cli: Cli, coloured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, code: int
) -> None:
    manifest, files = archive.read(coloured)
    name = next(name for name in manifest.models if name.endswith(".tflite"))
    golden = Golden.of(files, manifest.contract)
    found = np.rint(256 * golden.predictions[name])
    row, top = np.unravel_index(found.argmax(), found.shape)
    found[row, top] -= steps
    replies = {image.tobytes(): values for image, values in zip(golden.pixels, found.astype(np.uint8), strict=True)}
    nothing = np.zeros_like(found[0], np.uint8)  # for what the measurement of the arena gives it
    monkeypatch.setattr(Interpreter, "__call__", lambda _, image: replies.get(image.tobytes(), nothing)[np.newaxis])
    outcome = cli("ship", coloured, "--target", "mcu", "--out", tmp_path / "app")
    assert outcome.code == code, outcome.err
    if code:
        assert f"{steps} steps of 1/256 off at most (48 are allowed)" in outcome.err
        assert "round otherwise than LiteRT's" in outcome.err
        assert "edgetl validate" in outcome.err
        assert "is not what was validated" not in outcome.err


def test_without_the_extra_it_says_what_to_install(cli: Cli, coloured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "missing", lambda: "there is no tflite-micro")
    refused = cli("ship", coloured, "--target", "mcu", "--out", tmp_path / "app")
    assert refused.code == 8
    assert "mcu" in refused.err


def test_a_file_for_an_npu_becomes_a_library(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    """Nothing here runs it: it is compiled, and its golden predictions are those of the model behind it."""
    pytest.importorskip("ethosu", reason="ethos-u-vela is not installed: pip install edgetl[mcu]")
    assert cli("export", run_copy, "--int8", "--formats", "tflite,ethos_u", "--set", "export.npu=ethos-u55-128").code == 0
    assert cli("validate", run_copy).code == 0
    app = tmp_path / "npu"
    outcome = cli("ship", run_copy, "--target", "mcu", "--runtime", "ethos_u", "--out", app)
    assert outcome.code == 0, outcome.err
    assert "add" in outcome.out
    assert not (app / "main").exists(), "ESP32 boards have no such NPU"
    made = app / PART / MADE
    assert "AddEthosU()" in (made / "operators.h").read_text(encoding="utf-8")
    assert "kEstimatedArenaBytes" in (made / "model_data.h").read_text(encoding="utf-8")
    assert objects(HOST, app, tmp_path)
