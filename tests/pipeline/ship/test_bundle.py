"""`edgetl bundle`, `verify` and `keygen` on a finished run."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.export import format_of
from edgetl.export.base import About
from edgetl.pipeline.project import Project
from edgetl.pipeline.ship.bundle import BundleRequest, bundle
from edgetl.pipeline.ship.golden_images import GoldenImages
from edgetl.ship import archive, synthetic
from edgetl.ship.golden import Golden
from edgetl.ship.manifest import Manifest
from tests.conftest import CliResult, Made
from tests.processes import loaded_by
from tests.ship.repack import repacked, unsure, with_other_thresholds

Cli = Callable[..., CliResult]
FORMAT = Path(__file__).resolve().parents[3] / "docs" / "bundle-format.md"


def test_a_bundle_is_what_the_documents_say(bundled: Path, made: Made) -> None:
    manifest, files = archive.read(bundled)
    document = json.loads(files["manifest.json"])
    jsonschema.validate(document, Manifest.model_json_schema(mode="serialization"))
    assert set(manifest.models) == {"model_int8.tflite", "model_int8.onnx"}
    architecture = "small_cnn 1, 32 px"
    about = About(architecture, licence="Apache-2.0", description=f"Names one of 3 classes: {architecture}")
    for name in manifest.models:
        content = (made.run / "export" / name).read_bytes()
        licensed = format_of(name).stamp(content, Contract.read(made.run / "contract.json"), about)
        assert files[name] == licensed, "the file as validated, but for the licence"
        assert b"Apache-2.0" in files[name]
        assert b"Apache-2.0" not in content
    text = FORMAT.read_text(encoding="utf-8")
    for name in files:
        assert f"`{name}`" in text or name.startswith("model_"), f"bundle-format.md does not name {name}"
    for folder in ("golden", "golden_test"):
        golden = Golden.of(files, manifest.contract, folder)
        assert golden.pixels.shape == (12, 32, 32, 3)
        assert set(golden.true_class_names) == {"0", "1", "2"}, "every class is among them"
    assert json.loads(files["sbom.json"])["components"][0]["hashes"][0]["content"] in {
        hashlib.sha256(files[name]).hexdigest() for name in manifest.models
    }
    assert manifest.models["model_int8.tflite"].latency[0].p50_ms > 0


def test_the_same_run_gives_the_same_bytes(cli: Cli, bundled: Path, made: Made, tmp_path: Path) -> None:
    again = cli("bundle", made.run, "--out", tmp_path / "again.edgetl", "--licence", "Apache-2.0", "--json")
    assert again.code == 0, again.err
    assert (tmp_path / "again.edgetl").read_bytes() == bundled.read_bytes()
    assert again.document["version"] == archive.read(bundled)[0].version


def test_models_that_say_the_same_are_bundled_as_they_are(cli: Cli, made: Made, tmp_path: Path) -> None:
    assert cli("bundle", made.run, "--out", tmp_path / "plain.edgetl").code == 0
    for name in ("model_int8.tflite", "model_int8.onnx"):
        assert archive.read(tmp_path / "plain.edgetl")[1][name] == (made.run / "export" / name).read_bytes()


def test_files_and_bundle_say_what_the_recipe_says(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    about = ("--set", "about.name=Ziffern \U0001f522", "--set", "about.version='7'", "--set", "about.author=Zoë")
    assert cli("export", run_copy, "--int8", "--formats", "tflite,ort", *about).code == 0
    assert cli("export", run_copy, "--float16", "--formats", "coreml", *about).code == 0
    content = (run_copy / "export" / "model_int8.ort").read_bytes()
    assert all(text.encode() in content for text in ("Ziffern \U0001f522", "Zoë"))
    checked = cli("validate", run_copy, "--json")
    assert checked.code == 0, checked.err
    assert checked.document["unverified"] == {"coreml_float16": "Core ML predicts on macOS only"}
    assert "coreml_float16 is unverified: Core ML predicts on macOS only" in checked.err
    assert "ort_int8" in checked.document["subjects"]
    models = ("model_int8.ort", "model_int8.tflite", "model_float16.mlpackage.zip")
    out = tmp_path / "all.edgetl"
    bundled = cli("bundle", run_copy, "--models", ",".join(models), "--licence", "MIT", "--out", out, "--json")
    assert bundled.code == 0, bundled.err
    assert [bundled.document[key] for key in ("name", "version", "licence")] == ["Ziffern \U0001f522", "7", "MIT"]
    coreml = bundled.document["models"][models[2]]
    assert (coreml["runtime"], coreml["precision"], coreml["top1_accuracy"]) == ("coreml", "float16", None)
    assert coreml["unverified"] == "Core ML predicts on macOS only"
    files = archive.read(out)[1]
    assert all(b"MIT" in files[name] for name in models)
    assert (run_copy / "export" / "model_int8.ort").read_bytes() == content, "the run's own file stays"
    proof = cli("verify", out, "--json")
    assert proof.code == 0, proof.err
    assert set(proof.document["golden"]) == set(models[:2])
    assert proof.document["unverified"] == {models[2]: "Core ML predicts on macOS only"}
    measured = cli("benchmark", run_copy, "--device", "local", "--runs", "3", "--json")
    assert measured.code == 0, measured.err
    assert "ort_int8" in measured.document["models"]
    assert "coreml_float16" not in measured.document["models"]


def test_verify_runs_the_golden_images(cli: Cli, bundled: Path) -> None:
    outcome = cli("verify", bundled, "--json")
    assert outcome.code == 0, outcome.err
    assert {name: facts["max_steps"] for name, facts in outcome.document["golden"].items()} == {
        "model_int8.tflite": 0,
        "model_int8.onnx": 0,
    }, "the same host, the same runtimes"
    assert not outcome.document["signed"]


def test_verify_decides_by_the_bundles_thresholds(cli: Cli, bundled: Path, tmp_path: Path) -> None:
    outcome = cli("verify", repacked(bundled, tmp_path / "unsure.edgetl", unsure), "--json")
    assert outcome.code == 0, outcome.err
    assert {name: facts["other_decisions"] for name, facts in outcome.document["golden"].items()} == {
        "model_int8.tflite": 0,
        "model_int8.onnx": 0,
    }

    lowered = repacked(tmp_path / "unsure.edgetl", tmp_path / "lowered.edgetl", with_other_thresholds)
    outcome = cli("verify", lowered)
    assert (outcome.code, "decided otherwise with the contract's thresholds" in outcome.err) == (7, True)


def test_some_golden_images_are_unknown_ones_where_there_are_any(made: Made) -> None:
    project = Project.open(made.run)
    files = [project.run.export / "model_int8.tflite"]
    unknown = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    golden = GoldenImages(project, files, {path.name: path.read_bytes() for path in files}).validation(unknown)
    assert golden.pixels.shape == (12, 32, 32, 3)
    assert golden.true_class_names[9:] == ("", "", "")
    assert {one.tobytes() for one in golden.pixels[9:]} <= {one.tobytes() for one in unknown}
    assert golden.predictions["model_int8.tflite"].shape == (12, 3)


def test_synthetic_images_are_searched_for_once(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kept in (run_copy / "cache").glob("synthetic-*"):  # by an earlier test
        kept.unlink()
    searches, search = [], synthetic.candidates
    monkeypatch.setattr(synthetic, "candidates", lambda *given: (searches.append(1), search(*given))[1])

    def found(name: str) -> np.ndarray:
        path = run_copy / "export" / name
        return GoldenImages(Project.open(run_copy), [path], {name: path.read_bytes()}).synthetic()[0].pixels

    first = found("model_int8.tflite")
    assert (found("model_int8.tflite") == first).all()
    assert len(searches) == 1
    [kept] = (run_copy / "cache").glob("synthetic-*")
    kept.write_bytes(kept.read_bytes()[:1000])
    assert (found("model_int8.tflite") == first).all()
    assert len(searches) == 2, "a file that was cut"
    found("model_float32.tflite")
    assert len(searches) == 3, "another model"


def test_a_bundle_and_an_app_are_made_without_tensorflow(made: Made, tmp_path: Path) -> None:
    """Where the synthetic images are found already: to make some of a class that the model rejects takes its gradient."""
    bundle(Project.open(made.run), tmp_path / "first.edgetl", BundleRequest(force=True))
    program = (
        "import edgetl\n"
        f"edgetl.Run({str(made.run)!r}).bundle({str(tmp_path / 'b.edgetl')!r}, force=True, licence='Apache-2.0')\n"
        f"edgetl.ship_bundle({str(tmp_path / 'b.edgetl')!r}, 'web', out={str(tmp_path / 'web')!r})"
    )
    modules = ("tensorflow", "sklearn", "scipy.stats", "matplotlib")
    assert loaded_by(program, modules, limit_s=240) == [], "each takes a second or more to load"


def _shown(pixels: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in pixels}


def test_real_images_are_for_the_tests_alone_and_as_asked(cli: Cli, bundled: Path, made: Made, digit_folder: Path, tmp_path: Path) -> None:
    manifest, files = archive.read(bundled)
    data = Project.open(made.run).data
    real = _shown(data.images.pixels)
    every_app, tests = (Golden.of(files, manifest.contract, folder).pixels for folder in ("golden", "golden_test"))
    assert not _shown(every_app) & real
    assert _shown(tests) <= _shown(data.images.pixels[data.rows("val")])
    assert {folder: one.source for folder, one in manifest.golden.items()} == {"golden": "synthetic", "golden_test": "validation"}

    said = cli("bundle", made.run, "--out", tmp_path / "said.edgetl")
    assert "the bundle holds 12 validation images in golden_test/, for an app's tests only" in said.err

    made_alone = cli("bundle", made.run, "--golden", "synthetic", "--out", tmp_path / "none.edgetl", "--json")
    assert made_alone.code == 0, made_alone.err
    assert made_alone.document["golden"].keys() == {"golden"}
    assert "golden_test" not in made_alone.err
    assert not [name for name in archive.read(tmp_path / "none.edgetl").files if "golden_test" in name]
    assert cli("verify", tmp_path / "none.edgetl").code == 0

    chosen = cli("bundle", made.run, "--golden", digit_folder / "2", "--out", tmp_path / "chosen.edgetl", "--json")
    assert chosen.code == 0, chosen.err
    assert "12 images of '2' in golden_test/" in chosen.err
    found = Golden.of(archive.read(tmp_path / "chosen.edgetl").files, manifest.contract, "golden_test")
    assert set(found.true_class_names) == {"2"}, "the folder's name is a class's"

    nothing = cli("bundle", made.run, "--golden", tmp_path / "nowhere")
    assert (nothing.code, "there are no images in" in nothing.err) == (2, True)


def test_a_bundle_of_an_older_edgetl_is_verified_and_says_what_apps_get(cli: Cli, bundled: Path, tmp_path: Path) -> None:
    def older(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        del manifest["golden"]
        contract = manifest["contract"]
        contract["input"]["normalization_inside_the_model"] = contract.pop("inside_the_model")["normalization"]
        del contract["input"]["feed"]
        contract["schema_version"] = 1
        files["manifest.json"] = json.dumps(manifest).encode()
        for name in [name for name in files if name.startswith("golden_test/")]:
            del files[name]

    path = repacked(bundled, tmp_path / "older.edgetl", older)
    assert cli("verify", path).code == 0
    assert "for it is of an older edgetl" in archive.read(path).manifest.own_images


def _other_normalization(files: dict[str, bytes]) -> None:
    pixels = np.frombuffer(files["golden/pixels.bin"], np.uint8)
    files["golden/pixels.bin"] = (pixels // 2 + 64).astype(np.uint8).tobytes()


def _other_test_images(files: dict[str, bytes]) -> None:
    files["golden_test/pixels.bin"] = bytes(255 - value for value in files["golden_test/pixels.bin"])


def _other_class_order(files: dict[str, bytes]) -> None:
    golden = json.loads(files["golden/golden.json"])
    golden["predictions"] = {name: [row[::-1] for row in rows] for name, rows in golden["predictions"].items()}
    files["golden/golden.json"] = json.dumps(golden).encode()


def _other_class_names(files: dict[str, bytes]) -> None:
    files["labels.txt"] = b"2\n1\n0\n"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (_other_normalization, 7, "does not give its golden predictions"),
        (_other_class_order, 7, "the class names in another order"),
        (_other_test_images, 7, "does not give its golden predictions"),
        (_other_class_names, 5, "labels.txt has other class names"),
        (lambda files: files.update({"golden/golden.json": b"{}"}), 5, "cannot read golden/golden.json"),
    ],
)
def test_what_is_not_the_validated_model_fails(cli: Cli, bundled: Path, tmp_path: Path, change, code: int, says: str) -> None:
    outcome = cli("verify", repacked(bundled, tmp_path / "other.edgetl", change))
    assert outcome.code == code
    assert says in outcome.err


def test_one_changed_byte_fails(cli: Cli, bundled: Path, tmp_path: Path) -> None:
    content = bytearray(bundled.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.edgetl").write_bytes(content)
    assert cli("verify", tmp_path / "changed.edgetl").code == 5


def test_signatures(cli: Cli, made: Made, bundled: Path, tmp_path: Path) -> None:
    key, other, signed = tmp_path / "my key", tmp_path / "other", tmp_path / "signed.edgetl"
    assert cli("keygen", key).code == cli("keygen", other).code == 0
    assert (key.stat().st_mode & 0o777) == 0o600
    assert cli("keygen", key).code == 2, "a key is never overwritten"
    assert cli("bundle", made.run, "--out", signed, "--sign", key).code == 0
    assert cli("verify", signed, "--require-signature", f"{key}.pub").code == 0
    for path, public in ((signed, f"{other}.pub"), (bundled, f"{key}.pub")):
        assert cli("verify", path, "--require-signature", public).code == 5
    assert cli("verify", signed, "--require-signature", key).code == 2, "that is the private one"
    assert cli("bundle", made.run, "--out", signed, "--sign", made.recipe).code == 2
    forged = repacked(signed, tmp_path / "forged.edgetl", lambda files: files.update({"card.md": b"better"}))
    assert cli("verify", forged, "--require-signature", f"{key}.pub").code == 5


def test_a_run_without_a_good_validation_is_bundled_by_force_only(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    (run_copy / "export" / "model_int8.onnx").unlink()
    assert cli("export", run_copy, "--int8", "--onnx-style", "integer").code == 0
    record = json.loads((run_copy / "run.json").read_text(encoding="utf-8"))
    record["stages"]["validate"]["facts"]["files"]["export/model_int8.tflite"] = "0" * 64  # as if it was another file then
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    out = tmp_path / "forced.edgetl"
    refused = cli("bundle", run_copy, "--out", out)
    assert refused.code == 5
    assert "was exported after it" in refused.err
    assert not out.exists()
    assert cli("bundle", run_copy, "--out", out, "--force").code == 0
    assert "was exported after it" in archive.read(out)[0].validation.forced


def test_names_that_are_not_there(cli: Cli, made: Made) -> None:
    outcome = cli("bundle", made.run, "--models", "model_int8.tflit")
    assert outcome.code == 2
    assert "did you mean 'model_int8.tflite'" in outcome.err
