"""Checks of downloaded weights: a hash known beforehand, or the one that the first download had."""

import logging
from pathlib import Path

from edgetl.errors import WeightsError
from edgetl.files import atomic, sha256

logger = logging.getLogger(__name__)

# sha256 of files that were tried. (Keras publishes MD5s of MobileNetV3's, and none of the others.)
_V2 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"
KNOWN = {
    "efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet-lite1-77cc7160.pth": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet-lite2-9656183e.pth": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    "mobilenet_2_5_224_tf_no_top.h5": "210ab625b82399b04aba5e4085a2e82ec0417492cca9db54e08b9fb19cdc6039",
    "mobilenet_5_0_224_tf_no_top.h5": "5fe7afed9a5c49f65f33bac3692877629fe9a514b85b59cd79d117837d34f7ef",
    f"{_V2}0.35_128_no_top.h5": "b8bb98b815c0fe68d7ad2153eaf1dec778d574c3865b8fdabff43029e10c2f4a",
    f"{_V2}0.35_224_no_top.h5": "0cff463b79a7968ae2b067bc1ceaf713bc03f553160c328d3eb4375a1ee1c174",
}


def checked(path: Path) -> Path:
    """Return the file, if it is what it must be. Raises WeightsError.

    Of a file that is not in KNOWN the first download is believed, as its address says https, and its hash is kept beside it.
    """
    found, kept = sha256(path), path.with_name(f"{path.name}.sha256")
    wanted = KNOWN.get(path.name) or (kept.read_text(encoding="utf-8", errors="replace").strip() if kept.is_file() else "")
    if not wanted:
        logger.warning(f"{path.name} has no hash known to edgetl: its sha256 is {found}, and it must stay that")
        with atomic(kept) as temporary:
            temporary.write_text(found + "\n", encoding="utf-8")
    elif wanted != found:
        unless = "" if path.name in KNOWN else f", and {kept.name} beside it if you know why it changed"
        raise WeightsError(
            f"{path} was changed or damaged in transit: its sha256 is {found}, not {wanted}",
            f"delete it to have it downloaded again{unless}",
        )
    return path
