"""Where a bundle goes. A target is one file with a `TARGET`, one line here, and its template in deploy/NAME/."""

from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.ship.targets.base import Target

TARGETS: "Registry[Target]" = Registry(
    "target",
    {
        "android": ("edgetl.ship.targets.android:TARGET", "an Android app in Kotlin with camera and gallery, on LiteRT or ONNX Runtime"),
        "linux": ("edgetl.ship.targets.linux:TARGET", "a Linux board or server: one Python file on LiteRT or ONNX Runtime and Pillow"),
    },
)
