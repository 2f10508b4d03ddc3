"""A recipe is wrong in one message that names every mistake, or right; it never ends in a traceback."""

import json
import math
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from edgetl import recipe
from edgetl.data import embedded
from edgetl.errors import UsageError

DEFAULTS = recipe.resource("defaults.toml")


def dotted(values: dict[str, dict[str, object]]) -> set[str]:
    return {f"{table}.{key}" for table, keys in values.items() for key in keys}


def test_the_defaults_are_a_recipe() -> None:
    loaded = recipe.load()
    assert dotted(loaded.model_dump()) == dotted(tomllib.loads(DEFAULTS))


@pytest.mark.parametrize(
    "line", [line for line in DEFAULTS.splitlines() if re.match(r"\w+ *=", line)], ids=lambda line: line.split("=")[0].strip()
)
def test_every_default_has_its_reason_on_its_line(line: str) -> None:
    _, _, reason = line.partition("#")
    assert len(reason.split()) >= 3, "unit and reason: a default that nobody can defend gets changed at random"


def test_a_file_holds_only_what_differs_and_later_sources_win(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[train]\nepochs = 3\nseed = 1\nbatch_size = 8\n", encoding="utf-8")
    train = recipe.load(path, ["train.seed=2", "train.batch_size=16"], {"train.batch_size": 64}).train
    assert (train.epochs, train.seed, train.batch_size) == (3, 2, 64)
    assert train.patience == recipe.load().train.patience


def test_an_option_not_given_changes_nothing() -> None:
    assert recipe.load(options={"train.epochs": None, "model.backbone": None}) == recipe.load()


def test_an_option_may_be_a_path() -> None:
    assert recipe.load(options={"data.source": Path("my images")}).data.source == "my images"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("train.epochs=5", 5),
        (" train.epochs = 5 ", 5),
        ("train.learning_rate=1", 1.0),
        ("augment.flip=false", False),
        ("model.weights=none", "none"),
        ('model.weights="none"', "none"),
        ("model.weights=/a path/with=equals.h5", "/a path/with=equals.h5"),
        ('export.formats=["onnx"]', ("onnx",)),
    ],
)
def test_a_setting_is_toml_or_else_text(setting: str, value: object) -> None:
    table, key = setting.partition("=")[0].strip().split(".")
    assert getattr(getattr(recipe.load(settings=[setting]), table), key) == value


def test_all_mistakes_are_reported_together() -> None:
    with pytest.raises(UsageError) as caught:
        recipe.load(settings=["train.epoch=5", "trian.epochs=5", "model.image_size=big", "train.learning_rate=-1"])
    problem = caught.value.problem
    assert "train.epoch: unknown; did you mean 'epochs'?" in problem
    assert "trian: unknown; did you mean 'train'?" in problem
    assert "model.image_size" in problem
    assert "train.learning_rate" in problem


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("reject.keep=1.5", "reject.keep: must be below 1 or 'auto', not 1.5"),
        ("reject.keep=most", "reject.keep: must be a number or 'auto', not 'most'"),
        ("train.epochs=-1", "train.epochs: must be at least 0 or 'auto', not -1"),
        ("train.epochs=1.5", "train.epochs: must be a whole number or 'auto', not 1.5"),
        ("quantize.qat=3", "quantize.qat: must be true or false or 'auto', not 3"),
        ("export.output=int8", "export.output: must be 'auto', 'uint8' or 'float32', not 'int8'"),
        ("export.formats=[]", "export.formats: must be a list of one or more, not []"),
        ("model.dense=[3, -1]", "model.dense.1: must be at least 1, not -1"),
        ("imported.size=3x", "imported.size: must be height x width, such as 96x128, not '3x'"),
        ("data.val_fraction=0.99999", "data: val_fraction and test_fraction leave no images to train on"),
        ("train=3", "train: must be a table, not 3"),
    ],
)
def test_a_wrong_value_is_answered_with_what_it_must_be(setting: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe.load(settings=[setting, "data.test_fraction=0.1"])
    assert caught.value.problem == f"the recipe has mistakes:\n  {problem}"


@pytest.mark.parametrize(
    "setting",
    [
        "train.epochs=5.0",
        'train.epochs="5"',
        "train.epochs=true",
        "train.epochs=-1",
        "train.epochs=99999999999999999999",
        "train.epochs=1e400",
        "train.seed=" + "9" * 5000,
        "train.epochs.more=1",
        "train.learning_rate=nan",
        "train.learning_rate=inf",
        "train.learning_rate=0",
        "train.balance_above=inf",
        "data.val_fraction=0",
        "data.val_fraction=1",
        "augment.flip=1",
        "augment.flip=yes",
        "model.backbone=5",
        "export.formats=onnx",
        "export.formats=[]",
        "export.formats=[1]",
        "train=5",
        "train.epochs",
        "=5",
        ".=5",
        "train.=5",
        "a.b.c.d=5",
        "train.epochs=" + "[" * 3000,
    ],
    ids=lambda setting: setting[:32],
)
def test_a_setting_that_cannot_be_meant_is_a_usage_error(setting: str) -> None:
    with pytest.raises(UsageError):
        recipe.load(settings=[setting])


def test_splits_must_leave_images_to_train_on() -> None:
    with pytest.raises(UsageError, match="fraction"):
        recipe.load(settings=["data.val_fraction=0.6", "data.test_fraction=0.4"])


@pytest.mark.parametrize(
    "content",
    [
        b"[train",
        b"[train]\nepochs = ",
        b"[train]\nepochs = 1\nepochs = 2\n",
        b"\xff\xfe[\x00t\x00",
        b"\x00\x01\x02",
        b"[train]\nseed = " + b"9" * 5000,
        b"[train]\nseed = " + b"[" * 5000,
        b"train = 5\n",
        b"[train]\nepoch = 5\n",
    ],
    ids=["open", "cut", "twice", "utf16", "binary", "digits", "nested", "scalar", "unknown"],
)
def test_a_broken_file_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        recipe.load(path)


@pytest.mark.parametrize(
    "text", ["$(touch ran)", "`touch ran`", "{{7*7}}", "__import__('os').mkdir('ran')", "%(x)s", "!!python/object:os", "a;b|c"]
)
def test_nothing_in_a_recipe_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text(f"[about]\nname = {json.dumps(text)}\n[data]\nsource = {json.dumps(text)}\n", encoding="utf-8")
    loaded = recipe.load(tmp_path / "recipe.toml", [f"model.weights={text}"])
    assert (loaded.about.name, loaded.data.source, loaded.model.weights) == (text, str(tmp_path / text), text)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


@pytest.mark.parametrize("source", ["/etc/passwd", "../../../etc/passwd", "/dev/zero", "/proc/self/mem", "file:///etc/passwd", "x\\u0000y"])
def test_a_recipe_that_points_elsewhere_finds_no_images(tmp_path: Path, source: str) -> None:
    """It may name any folder, as its user may; what lies there is no set of images, and is not read."""
    from edgetl.data import sources
    from edgetl.errors import DataError

    (tmp_path / "recipe.toml").write_text(f'[data]\nsource = "{source}"\n')
    with pytest.raises(DataError):
        sources.find(recipe.load(tmp_path / "recipe.toml").data.source)


@pytest.mark.parametrize("setting", ["a." * 100_000 + "a=1", "train.epochs=" + "[" * 100_000])
def test_a_setting_takes_little_time_and_memory(setting: str) -> None:
    with pytest.raises(UsageError):
        recipe.load(settings=[setting])


def test_a_setting_may_be_long() -> None:
    assert recipe.load(settings=["about.name=" + "x" * 10**6]).about.name == "x" * 10**6


@pytest.mark.parametrize("name", ["missing.toml", ".", "file/recipe.toml"])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="recipe"):
        recipe.load(tmp_path / name)


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe.load().train.epochs = 1


def test_a_recipe_survives_its_record() -> None:
    """run.json keeps it, and a run is repeated from there; Infinity or NaN would not be JSON."""
    loaded = recipe.load()
    document = json.dumps(loaded.model_dump(), allow_nan=False)
    assert recipe.check(json.loads(document)) == loaded
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in loaded.train.model_dump().values())


@pytest.mark.parametrize("name", [path.name for path in sorted(Path(recipe.__file__).parent.glob("resources/*.toml"))])
def test_every_recipe_that_comes_along_is_valid(name: str) -> None:
    recipe.load(Path(recipe.__file__).parent / "resources" / name)


QUICK = """
[model]
backbone = "small_cnn"
weights = "own.npz"
[train]
epochs = 9
[pretrain.data]
source = "cifar10"
[pretrain.train]
epochs = 40
[quick.data]
limit = 5
[quick.train]
epochs = 1
[quick.pretrain.train]
epochs = 2
"""


def test_a_recipe_says_what_is_left_out_for_a_quick_try(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(QUICK, encoding="utf-8")
    full, quick = recipe.load(path, options={"data.source": "digits"}), recipe.load(path, ["train.seed=4"], quick=True)
    assert (full.train.epochs, full.data.limit, full.data.source) == (9, 0, "digits")
    assert (quick.train.epochs, quick.data.limit, quick.train.seed) == (1, 5, 4)
    path.write_text("[train]\nepochs = 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"has no table \[quick\]"):
        recipe.load(path, quick=True)


def test_a_recipe_says_how_its_backbone_is_pretrained(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(QUICK, encoding="utf-8")
    made = recipe.pretraining(path, ["pretrain.train.seed=3"], {"data.source": "digits"}, quick=False)
    assert made is not None
    assert (made.data.source, made.train.epochs, made.train.seed, made.model.backbone) == ("cifar10", 40, 3, "small_cnn")
    assert made.model.weights == "none", "the file is what it makes"
    quick = recipe.pretraining(path, quick=True)
    assert quick is not None
    assert (quick.train.epochs, quick.data.limit) == (2, 5)
    assert recipe.pretraining(None, quick=False) is None
    with pytest.raises(UsageError, match=r"model.weights, 'imagenet', is not a file that it can make"):
        recipe.pretraining(path, ["model.weights=imagenet"], quick=False)


def test_mistakes_in_these_tables_are_mistakes_of_the_recipe(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("quick = 1\npretrain = 2\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        recipe.load(path)
    assert "quick: unknown" in str(caught.value)
    assert "pretrain: unknown" in str(caught.value)
    path.write_text(QUICK + "[quick.model]\nsize = 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"model.size: unknown"):
        recipe.load(path, quick=True)


IN_A_RECIPE = [  # setting, text in the recipe, path below its folder or as it is
    ("data.source", "flowers/", "flowers"),
    ("data.source", "./digits", "digits"),
    ("data.source", "../shots.csv", "../shots.csv"),
    ("data.exclude", "exclude.txt", "exclude.txt"),
    ("model.weights", "own.npz", "own.npz"),
    ("teacher.run", "runs/teacher", "runs/teacher"),
    ("track.mlflow", "mlruns", "mlruns"),
    ("track.mlflow", "sqlite:///runs.db", "runs.db"),
]
NAMES = [
    *(("data.source", name) for name in (*embedded(), "gs://bucket/packed", "")),
    *(("model.weights", name) for name in ("imagenet", "none")),
    *(("track.mlflow", name) for name in ("https://tracking.example", "databricks://profile", "")),
    ("data.exclude", ""),
    ("teacher.run", ""),
]


def setting_of(loaded: recipe.Recipe, setting: str) -> str:
    table, key = setting.split(".")
    return str(getattr(getattr(loaded, table), key))


def written(folder: Path, setting: str, text: str, *, under: str = "", mark: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    table, key = setting.split(".")
    file = folder / "recipe.toml"
    file.write_text(f"{mark}[{under}{table}]\n{key} = {json.dumps(text)}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("folder", ["relative", "absolute"])
@pytest.mark.parametrize(("setting", "text", "path"), IN_A_RECIPE, ids=[text for _, text, _ in IN_A_RECIPE])
def test_a_path_in_a_recipe_is_relative_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, text: str, path: str, folder: str
) -> None:
    """Wherever the command runs; also in the recipe's tables for a quick try and a pretraining."""
    file, place = written(tmp_path / "recipes", setting, text), str((tmp_path / "recipes" / path).resolve())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    wanted = f"sqlite:///{place}" if text.startswith("sqlite") else place
    assert setting_of(recipe.load(Path("../recipes/recipe.toml") if folder == "relative" else file), setting) == wanted
    written(tmp_path / "recipes", setting, text, under="quick.")
    assert setting_of(recipe.load(file, quick=True), setting) == wanted
    written(tmp_path / "recipes", setting, text, under="pretrain.")
    pretraining = recipe.pretraining(file, ["model.weights=made.npz"], quick=False)
    assert pretraining is not None
    assert setting_of(pretraining, setting) == wanted


@pytest.mark.parametrize(("setting", "text"), NAMES, ids=lambda text: text or "none")
def test_a_name_or_an_address_in_a_recipe_is_no_path(tmp_path: Path, setting: str, text: str) -> None:
    assert setting_of(recipe.load(written(tmp_path, setting, text)), setting) == text


@pytest.mark.parametrize("setting", sorted(recipe.PATHS))
def test_a_path_may_begin_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """On the command line too, where a shell leaves KEY=~/x as it is."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    wanted = str(tmp_path / "home" / "x")
    assert setting_of(recipe.load(written(tmp_path, setting, "~/x")), setting) == wanted
    assert setting_of(recipe.load(settings=[f"{setting}=~/x"]), setting) == wanted
    assert setting_of(recipe.load(options={setting: "~/x"}), setting) == wanted
    if setting == "track.mlflow":
        assert setting_of(recipe.load(settings=[f"{setting}=sqlite:///~/x"]), setting) == f"sqlite:///{wanted}"


def test_a_path_on_the_command_line_follows_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run keeps it as an absolute one, since it is used from elsewhere too."""
    file = written(tmp_path / "recipes", "data.source", "flowers")
    monkeypatch.chdir(tmp_path)
    loaded = recipe.load(file, ["teacher.run=runs/teacher"], {"data.source": "flowers", "model.weights": "own.npz"})
    assert (loaded.data.source, loaded.model.weights, loaded.teacher.run) == ("flowers", "own.npz", "runs/teacher")
    kept = recipe.anchored(loaded)
    assert [setting_of(kept, setting) for setting in ("data.source", "model.weights", "teacher.run")] == [
        str(tmp_path / path) for path in ("flowers", "own.npz", "runs/teacher")
    ]
    assert recipe.anchored(recipe.load(options={"data.source": "digits"})).data.source == "digits"
    shown = kept.without_folders()
    assert [setting_of(shown, setting) for setting in ("data.source", "model.weights", "teacher.run")] == ["flowers", "own.npz", "teacher"]


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert recipe.load(written(tmp_path, "data.source", "digits", mark="\ufeff")).data.source == "digits"
