"""Gradle's wrapper comes by its hash, once, and an app without it says how to get it."""

import hashlib
import os
from pathlib import Path

import pytest

from edgetl.ship import gradle
from edgetl.ship.gradle import SHA256, wrapper

FILES = {name: f"#!/bin/sh\necho {name}\n".encode() for name in SHA256}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the wrapper is published: a folder instead of a code host, with a cache that is empty."""
    folder = tmp_path / "published"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(gradle, "_ADDRESS", folder.as_uri())
    monkeypatch.setattr(gradle, "SHA256", {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()})
    gradle._fetched.cache_clear()
    return folder


def test_it_is_fetched_once_and_kept(published: Path) -> None:
    assert wrapper().files == FILES
    for name in FILES:
        (published / name).unlink()
    gradle._fetched.cache_clear()
    assert wrapper() == (FILES, ""), "from the cache"


def test_another_file_than_the_pinned_one_is_not_taken(published: Path, tmp_path: Path) -> None:
    (published / "gradlew").write_bytes(b"#!/bin/sh\nrm -rf /\n")
    files, problem = wrapper()
    assert not files
    assert problem.endswith("gradlew is another file than the one that was pinned")
    assert not [path for path in tmp_path.glob("cache/**/*") if path.is_file()]


def test_without_a_network_there_is_none(published: Path) -> None:
    (published / "gradlew.bat").unlink()
    assert not wrapper().files
    assert "No such file" in wrapper().problem


def test_a_damaged_copy_in_the_cache_is_fetched_again(published: Path, tmp_path: Path) -> None:
    assert wrapper().files
    for path in tmp_path.glob("cache/edgetl/gradle/*"):
        path.write_bytes(b"")
    gradle._fetched.cache_clear()
    assert wrapper().files == FILES


def test_a_fresh_app_has_it_and_says_so(published: Path, bundled: Path, tmp_path: Path) -> None:
    from edgetl.pipeline.ship.app import AppOptions, ship

    made = ship(bundled, "android", AppOptions(out=tmp_path / "app"))
    assert os.access(tmp_path / "app/gradlew", os.X_OK), "it can be run"
    assert "then ./gradlew :app:installDebug" in made.next
    (published / "gradlew").unlink()
    (tmp_path / "cache").rename(tmp_path / "lost")
    gradle._fetched.cache_clear()
    without = ship(bundled, "android", AppOptions(out=tmp_path / "other")).next
    assert "gradlew could not be added" in without
    assert without.endswith(f"install Gradle and run: gradle -p {tmp_path / 'other'} wrapper")
