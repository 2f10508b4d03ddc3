"""A bundle with something changed and its hashes made right again: what a mistake of a packer, or other labels, would look like."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edgetl.ship import archive

# Three class names that users may well write, and that a careless template would run, cut or reverse.
HOSTILE = (
    "\"'; alert(1) //</script><img src=x onerror=alert(2)> $HOME ${x} `id` %s {{x}}",
    "\u0645\u0631\u062d\u0628\u0627 \u202eabc \\u0041 \\",
    "\U0001f469\u200d\U0001f33e \u65e5\u672c & <i> ]]> @string/x ? \u2028 $(id)",
)


def repacked(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(source) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    document = json.loads(files["manifest.json"])
    document["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for name, content in files.items()
        if name not in (archive.MANIFEST, archive.SIGNATURE)
    }
    files["manifest.json"] = json.dumps(document).encode()
    archive.write(target, files)
    return target


def renamed(files: dict[str, bytes], labels: Sequence[str] = HOSTILE) -> None:
    """Give the classes, and the model, other names everywhere."""
    manifest, golden = json.loads(files["manifest.json"]), json.loads(files["golden/golden.json"])
    to = dict(zip(manifest["contract"]["labels"], labels, strict=True))
    manifest["contract"]["labels"], manifest["name"] = list(labels), labels[0]
    golden["labels"] = [to[name] for name in golden["labels"]]
    golden["top1"] = {file: [to[name] for name in names] for file, names in golden["top1"].items()}
    files["manifest.json"], files["golden/golden.json"] = json.dumps(manifest).encode(), json.dumps(golden).encode()
    files["labels.txt"] = "".join(f"{label}\n" for label in labels).encode()
