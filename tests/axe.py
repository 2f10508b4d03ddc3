"""Looks for accessibility faults on a page with axe-core, from npm in the user's cache."""

from typing import TYPE_CHECKING

import pytest

from edgetl.devices.browser_runtimes import Package, cached
from edgetl.errors import DeviceError

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Package("axe-core", "4.10.3", "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292", ("axe.min.js",))


def faults(page: "Page", impacts: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """What axe-core finds on the page of these impacts: the rule, and each element."""
    try:
        script = cached(AXE, "tests") / "axe.min.js"
    except DeviceError as error:
        pytest.skip(f"npm cannot fetch axe-core: {error.problem}")
    page.evaluate(f"{script.read_text(encoding='utf-8')}\n0")
    found = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [f"{one['impact']}: {one['id']}: {node['html'][:200]}" for one in found if one["impact"] in impacts for node in one["nodes"]]
