"""A real Chromium runs real models, and gives this host's predictions; what can go wrong is a clear error, and leaves nothing."""

import hashlib
import http.client
import io
import shutil
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgetl.benchmarking.plan import ModelFile, SentImages
from edgetl.benchmarking.run import benchmark
from edgetl.devices import base, browser, browser_runtimes, open_device
from edgetl.devices.base import Job
from edgetl.devices.browser import _NAMES
from edgetl.devices.browser_runtimes import RUNTIMES, Package, unpack, web_files
from edgetl.devices.browser_server import served
from edgetl.devices.plan import Plan
from edgetl.devices.process import end_all
from edgetl.errors import DependencyError, DeviceError
from edgetl.pipeline.project import Project
from edgetl.runtimes import open_session
from edgetl.software import install
from tests.conftest import CliResult, Made

needs_chromium = pytest.mark.skipif(not any(map(shutil.which, _NAMES)), reason="there is no Chromium (apt-get install chromium)")
SIZE = 8


@pytest.fixture(scope="session")
def runtimes() -> None:
    """Both runtimes' files in the user's cache."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm to fetch the runtimes with (apt-get install npm)")
    try:
        for name in RUNTIMES:
            web_files(name, None, "tests")
    except DeviceError as error:
        if "npm pack" not in error.problem:
            raise
        pytest.skip(f"npm cannot fetch the runtimes: {error.problem}")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file that takes uint8 [1, 8, 8, 3] and tells the shares of the three colours."""
    import onnx
    from onnx import TensorProto, helper

    takes = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIZE, SIZE, 3])
    gives = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 3])
    nodes = [
        helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("Softmax", ["means"], ["probabilities"]),
    ]
    model = helper.make_model(helper.make_graph(nodes, "tiny", [takes], [gives]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("model") / "a 'tiny' model; $(x).onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where browsers put their profiles; it must be empty again. Short: Chromium makes a socket in there."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)
        assert {path.name for path in Path(folder).iterdir()} <= {".ses"}  # of ONNX Runtime's in this process


@needs_chromium
@pytest.mark.usefixtures("runtimes")
def test_a_browser_predicts_as_this_host_does(made: Made, tmp_path: Path, temporary: Path) -> None:
    """The int8 files of a trained run, in both formats."""
    project = Project.open(made.run)
    images = project.data.trained_images()
    pixels = np.ascontiguousarray(images.pixels[:12])
    pixels.tofile(tmp_path / "images.bin")
    sent = SentImages(tmp_path / "images.bin", images.label_ids[:12], project.contract.output)
    files = {"litert": made.run / "export" / "model_int8.tflite", "onnxruntime": made.run / "export" / "model_int8.onnx"}
    models = [ModelFile(name, file, name, expected=open_session(file, project.contract)(pixels)) for name, file in files.items()]
    measured = benchmark(models, ["browser"], [Plan(runs=5)], sent)

    device = measured.devices["browser"].facts
    assert device
    assert device.browser
    assert "Chrom" in device.model
    assert "Chrome/" in device.browser.user_agent
    assert device.cores
    assert device.browser.cross_origin_isolated
    assert device.runtimes == {name: packages[0].version for name, packages in RUNTIMES.items()}
    used = [RUNTIMES[name][0] for name in files]
    assert len(measured.results) == len(used)
    for result, package in zip(measured.results, used, strict=True):
        found = result.measurement
        assert found
        assert found.runtime == f"{package.name} {package.version}"
        assert result.predictions
        assert result.predictions.agreement.top1_agreement == 1
        assert found.latency_ms
        assert found.latency_ms.runs == 5
        assert 0 < (found.clock_resolution_ms or 0) < 0.05  # a page that is not isolated gets 0.1
        assert min(found.import_ms or 0, found.load_ms or 0, found.first_ms or 0) > 0
        assert 2**24 < (found.peak_memory_bytes or 0) < 2**33


@needs_chromium
@pytest.mark.usefixtures("runtimes", "temporary")
def test_webgpu_beside_webassembly(made: Made, tmp_path: Path) -> None:
    """On Chromium's software adapter, which is called one. ONNX Runtime Web has no integer operator for WebGPU."""
    project = Project.open(made.run)
    images = project.data.trained_images()
    np.ascontiguousarray(images.pixels[:12]).tofile(tmp_path / "images.bin")
    sent = SentImages(tmp_path / "images.bin", images.label_ids[:12], project.contract.output, judged=False)
    names = {"model_float32.tflite": "litert", "model_float32.onnx": "onnxruntime", "model_int8.onnx": "onnxruntime"}
    models = [ModelFile(name, made.run / "export" / name, runtime) for name, runtime in names.items()]
    measured = benchmark(models, ["browser"], [Plan(runs=2, warmup=1), Plan(runs=2, warmup=1, delegate="gpu")], sent)
    rows = {(row.model, row.delegate): row for row in measured.results}
    assert len(rows) == 6
    for name in names:
        plain, fast = rows[name, "default"].measurement, rows[name, "gpu"].measurement
        assert plain
        assert fast
        assert plain.placement
        assert [share.processor for share in plain.placement.shares] == ["CPU"]
        assert plain.placement.operators
        compared = rows[name, "gpu"].beside_cpu
        assert compared
        assert (compared.images, compared.same_top1, compared.noise, compared.failures) == (12, 12, False, ())
        assert compared.max_difference < 1e-3
        assert fast.placement
        assert not rows[name, "gpu"].accelerated, "a program on the CPU"
        integers = "int8" in name
        assert bool(fast.placement.fell_back) == integers
        assert any("a program on the CPU" in doubt for doubt in fast.placement.doubts) != integers


@needs_chromium
@pytest.mark.usefixtures("runtimes")
def test_threads_cores_operators_and_short_inferences(tiny: Path, tmp_path: Path, temporary: Path) -> None:
    pixels = np.random.default_rng(1).integers(100, 104, (3, SIZE, SIZE, 3), np.uint8)
    pixels.tofile(tmp_path / "images.bin")
    job = Job(tiny, "onnxruntime", Plan(threads=2, runs=4, cpus=(0,), profile=2), tmp_path / "images.bin", 3)
    with closing(open_device("browser")) as device:
        reply = device.measure(job)
    means = pixels.mean((1, 2), dtype=np.float64)
    expected = np.exp(means) / np.exp(means).sum(1, keepdims=True)
    np.testing.assert_allclose(reply.predictions, expected, atol=1e-5)
    found = reply.measurement
    assert found.cpus == (0,)
    assert {one.type for one in found.profile or ()} == {"Cast", "ReduceMean", "Softmax"}
    assert all(one.ms >= 0 for one in found.profile or ())
    assert found.inferences_per_sample
    assert len(found.samples_ms) == 4


@needs_chromium
@pytest.mark.usefixtures("runtimes")
def test_a_model_that_is_none(tmp_path: Path, temporary: Path) -> None:
    for runtime, suffix in (("onnxruntime", "onnx"), ("litert", "tflite")):
        path = tmp_path / f"model.{suffix}"
        path.write_bytes(b"not a model")
        with closing(open_device("browser")) as device, pytest.raises(DeviceError, match="browser: "):
            device.measure(Job(path, runtime))


@needs_chromium
@pytest.mark.usefixtures("runtimes")
def test_a_page_that_hangs_is_ended(tiny: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_START_S", 2.5)
    monkeypatch.setattr(base, "_SLOWEST_RUN_S", 0.0)
    monkeypatch.setattr(browser, "START_S", 2.5)
    with closing(open_device("browser")) as device, pytest.raises(DeviceError, match="did not finish within 5 s"):
        device.measure(Job(tiny, "onnxruntime", Plan(runs=10**9)))


@needs_chromium
@pytest.mark.usefixtures("runtimes")
def test_an_interrupted_benchmark_ends_the_browser(tiny: Path, temporary: Path) -> None:
    """As Ctrl-C does it, from another thread."""
    done = threading.Event()

    def interrupt() -> None:
        while not (any(temporary.glob("*/profile/*")) or done.wait(0.1)):
            continue
        while not done.wait(0.5):  # now, and should that be too early, again
            end_all()

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with closing(open_device("browser")) as device, pytest.raises(DeviceError, match="browser: "):
            device.measure(Job(tiny, "onnxruntime", Plan(runs=10**5)))
    finally:
        done.set()


@needs_chromium
@pytest.mark.parametrize(("delegate", "said"), [("webnn", "no WebNN"), ("nnapi", "no delegate 'nnapi'")])
@pytest.mark.usefixtures("runtimes")
def test_delegates_that_are_not_there(tiny: Path, delegate: str, said: str) -> None:
    with closing(open_device("browser")) as device, pytest.raises(DeviceError, match=said):
        device.measure(Job(tiny, "onnxruntime", Plan(delegate=delegate)))


@needs_chromium
def test_cores_that_are_not_there(tiny: Path, runtimes: None) -> None:
    with closing(open_device("browser")) as device, pytest.raises(DeviceError, match="cannot run on the cores 1000"):
        device.measure(Job(tiny, "onnxruntime", Plan(cpus=(1000,))))


def devices_file(monkeypatch: pytest.MonkeyPatch, folder: Path, **settings: object) -> None:
    """Name a browser `web` with these settings."""
    lines = ["[web]", 'kind = "browser"', *(f'{name} = "{value}"' for name, value in settings.items())]
    (folder / "devices.toml").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("EDGETL_DEVICES", str(folder / "devices.toml"))


def test_no_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="there is no Chromium") as caught:
        open_device("browser").probe()
    assert "playwright install chromium" in caught.value.remedy


def test_a_chromium_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    devices_file(monkeypatch, tmp_path, chromium="/bin/false")
    with pytest.raises(DeviceError, match="web: /bin/false does not start"):
        open_device("web").probe()
    devices_file(monkeypatch, tmp_path, chromium=tmp_path / "nowhere")
    with pytest.raises(DeviceError, match="there is no program"):
        open_device("web")


def test_no_playwright(cli: Callable[..., CliResult], tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright", None)
    with pytest.raises(DependencyError, match="needs the Python package playwright") as caught:
        open_device("browser")
    assert install("web") in caught.value.remedy
    outcome = cli("benchmark", tiny, "--device", "browser", "--device", "local", "--runs", 1, "--json")
    assert outcome.code == DeviceError.exit_code
    assert "playwright" in outcome.document["devices"]["browser"]["failure"]["problem"]
    assert [result["device"] for result in outcome.document["results"]] == ["local"]  # the others' results are kept


def test_the_server_gives_what_it_was_told_and_nothing_else(tmp_path: Path) -> None:
    for name in ("page.mjs", "model", "secret"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    with served({"/page.mjs": tmp_path / "page.mjs", "/model": tmp_path / "model"}) as address:

        def get(path: str, **headers: str) -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
            connection.request("GET", path, headers=headers)
            return connection.getresponse()

        page = get("/page.mjs")
        assert page.status == 200
        assert page.read() == b"page.mjs"
        assert page.headers["Content-Type"] == "text/javascript"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert page.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert get("/model").headers["Content-Type"] == "application/octet-stream"
        for path in ("/secret", "/../secret", "/%2e%2e/secret", "/", f"/{tmp_path}/secret"):
            assert get(path).status == 404
        assert get("/model", Host="elsewhere.example").status == 404
    with pytest.raises(OSError, match="refused"):
        get("/model")


def packed(folder: Path, *members: tuple[str, bytes | None]) -> tuple[Path, Package]:
    """An archive with these files (None: a link to /etc/passwd), and a package of one file, with the archive's sha256."""
    archive = folder / "package.tgz"
    with tarfile.open(archive, "w:gz") as made:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            made.addfile(member, io.BytesIO(content or b""))
    return archive, Package("thing", "1.0.0", hashlib.sha256(archive.read_bytes()).hexdigest(), ("dist/a.js",))


def test_only_the_wanted_files_are_unpacked(tmp_path: Path) -> None:
    evil = [(name, b"evil") for name in ("../../evil", "/evil", "package/../../evil", "package/dist/b.js")]
    archive, package = packed(tmp_path, *evil, ("package/dist/a.js", b"good"))
    unpack(archive, package, tmp_path / "deep" / "files", "tests")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        "package.tgz",
        "deep/files/dist/a.js",
    ]
    assert (tmp_path / "deep/files/dist/a.js").read_bytes() == b"good"


@pytest.mark.parametrize("members", [[], [("package/dist/a.js", None)]], ids=["missing", "link"])
def test_a_file_that_is_not_in_the_archive(tmp_path: Path, members: list[tuple[str, bytes | None]]) -> None:
    archive, package = packed(tmp_path, *members)
    with pytest.raises(DeviceError, match=r"has no file dist/a\.js"):
        unpack(archive, package, tmp_path / "files", "tests")


def npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A stand-in for npm, and an empty cache."""
    program = folder / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def left(folder: Path) -> list[Path]:
    return [path for path in (folder / "cache").rglob("*") if path.is_file()]


def test_an_archive_that_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, package = packed(tmp_path, ("package/dist/a.js", b"good"))
    npm(tmp_path, monkeypatch, f"cp '{archive}' thing-1.0.0.tgz; echo \"$@\" > '{tmp_path}/asked'")
    monkeypatch.setitem(browser_runtimes.RUNTIMES, "thing", (replace(package, sha256="0" * 64),))
    with pytest.raises(DeviceError, match="has the sha256"):
        web_files("thing", None, "tests")
    assert left(tmp_path) == []
    monkeypatch.setitem(browser_runtimes.RUNTIMES, "thing", (package,))
    assert web_files("thing", None, "tests")["/thing/dist/a.js"].read_bytes() == b"good"
    assert (tmp_path / "asked").read_text(encoding="utf-8").split() == ["pack", "--silent", "thing@1.0.0"]
    web_files("thing", None, "tests")["/thing/dist/a.js"].unlink()
    assert web_files("thing", None, "tests")["/thing/dist/a.js"].is_file()  # fetched anew
    (tmp_path / "bin" / "npm").unlink()
    assert web_files("thing", None, "tests")  # it is there now


def test_npm_that_fails_or_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path, monkeypatch, "echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(DeviceError, match="ENOTFOUND") as caught:
        web_files("litert", None, "tests")
    assert "runtimes = " in caught.value.remedy
    assert left(tmp_path) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="no npm") as caught:
        web_files("litert", None, "tests")
    assert "runtimes = " in caught.value.remedy
    assert browser_runtimes.version("litert", None) is None


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"there is no .*onnxruntime-web/package\.json") as caught:
        web_files("onnxruntime", str(tmp_path), "tests")
    assert "npm install onnxruntime-web@" in caught.value.remedy
    for file in RUNTIMES["onnxruntime"][0].files:
        (tmp_path / "onnxruntime-web" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "onnxruntime-web" / file).write_text('{"version": "1.2.3"}', encoding="utf-8")
    files = web_files("onnxruntime", str(tmp_path), "tests")
    assert files["/onnxruntime-web/dist/ort.wasm.min.mjs"] == tmp_path / "onnxruntime-web/dist/ort.wasm.min.mjs"
    assert browser_runtimes.version("onnxruntime", str(tmp_path)) == "1.2.3"
