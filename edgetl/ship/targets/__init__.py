"""Where a bundle goes. A target is one file with a `TARGET`, one line here, and its template in deploy/NAME/."""

from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.ship.targets.base import Target

TARGETS: "Registry[Target]" = Registry(
    "target",
    {
        "ios": (
            "edgetl.ship.targets.ios:TARGET",
            "an iPhone or iPad: a SwiftUI app around a Swift package on LiteRT, ONNX Runtime or Core ML",
        ),
        "android": ("edgetl.ship.targets.android:TARGET", "an Android app in Kotlin with camera and gallery, on LiteRT or ONNX Runtime"),
        "linux": ("edgetl.ship.targets.linux:TARGET", "a Linux board or server: one Python file on LiteRT or ONNX Runtime and Pillow"),
        "mcu": (
            "edgetl.ship.targets.mcu:TARGET",
            "a microcontroller: an ESP-IDF project around a C++ library on TensorFlow Lite Micro; in the extra mcu",
        ),
        "web": ("edgetl.ship.targets.web:TARGET", "a web page that works offline, on LiteRT.js or ONNX Runtime Web"),
    },
)
