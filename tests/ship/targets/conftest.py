"""The finished run's bundle with names that a careless template would run."""

from pathlib import Path

import pytest

from tests.ship.repack import renamed, repacked


@pytest.fixture(scope="session")
def hostile(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repacked(bundled, tmp_path_factory.mktemp("hostile") / "it's $HOME & \U0001f33b.edgetl", renamed)
