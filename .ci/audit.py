"""Known problems of the packages that constraints.txt pins, and of the lowest releases that pyproject.toml allows, by OSV (osv.dev).

Exit code 1: a pinned release has a known problem that is not in .ci/audit-accepted.txt. Where OSV cannot be reached nothing is checked,
which is said, and the exit code is 0. The lowest releases are told and do not fail: a resolver takes the newest.
"""

import json
import re
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://api.osv.dev/v1/querybatch"
_LIMIT_S = 20
Release = tuple[str, str]


def pinned(text: str) -> list[Release]:
    return re.findall(r"^([\w.-]+)==([\w.+!-]+)$", text, re.MULTILINE)


def lowest(text: str) -> list[Release]:
    project = tomllib.loads(text)["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    return sorted({found.group(1, 2) for one in wanted if (found := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)", one))})


def ask(releases: list[Release], address: str) -> dict[Release, list[str]]:
    """The identifiers of each release's known problems, in one question."""
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in releases]
    request = urllib.request.Request(address, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:
        results = json.load(answer)["results"]
    return {release: [one["id"] for one in found.get("vulns", ())] for release, found in zip(releases, results, strict=True)}


def main(address: str = ADDRESS) -> int:
    locked = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    ranges = lowest((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    accepted = set(re.findall(r"^([\w-]+)", (ROOT / ".ci" / "audit-accepted.txt").read_text(encoding="utf-8"), re.MULTILINE))
    try:
        found, low = ask(locked, address), ask(ranges, address)
    except (OSError, urllib.error.URLError) as error:
        sys.stdout.write(f"osv.dev is not reachable ({error}): dependencies are NOT CHECKED for known problems\n")
        return 0
    bad = {release: sorted(set(ids) - accepted) for release, ids in found.items() if set(ids) - accepted}
    for kind, problems in (("PINNED", bad), ("lowest allowed", {release: ids for release, ids in low.items() if ids})):
        for (name, version), ids in problems.items():
            sys.stdout.write(f"{kind}: {name} {version}: {', '.join(ids)}\n")
    sys.stdout.write(
        f"{len(locked)} pinned releases checked by osv.dev, {len(bad)} with known problems; {len(ranges)} lowest ones checked\n"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
