"""The prediction of one image, and how it shows itself."""

from dataclasses import dataclass
from typing import NamedTuple

from edgetl.errors import UsageError
from edgetl.overview import Overview
from edgetl.wording import seen

SHOWN = 3  # classes in a prediction's text
UNKNOWN, NONE = "unknown", "none of the classes"  # in its text: what an image without a class is to either task


class ClassProbability(NamedTuple):
    """A class and how probable it is, 0 to 1."""

    class_name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The probabilities of one image.

    Args:
        image: its path or name; "image 0", "image 1" ... for arrays.
        class_names: the K classes, in the order of the model's outputs.
        probabilities: one for each class.
        present: the classes that the image shows by the contract's thresholds; none of an unknown image.
        several: an image may show several classes, or none, which is then no unknown one.
    """

    image: str
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...]
    present: tuple[str, ...]
    several: bool = False

    @property
    def unknown(self) -> bool:
        """Whether no class reaches its threshold, where an image is to show one: without thresholds no image is unknown."""
        return not self.present and not self.several

    @property
    def without(self) -> str:
        """Return what the image is where it shows no class: "unknown", or "none of the classes" where it may show several; else empty."""
        return "" if self.present else NONE if self.several else UNKNOWN

    @property
    def class_name(self) -> str:
        """The most probable class, the best guess of an unknown image."""
        return self.top(1)[0].class_name

    @property
    def probability(self) -> float:
        """The probability of the most probable class."""
        return self.top(1)[0].probability

    def top(self, count: int = SHOWN) -> list[ClassProbability]:
        """Return the `count` most probable classes, the most probable first. Raises UsageError."""
        if not isinstance(count, int) or count < 0:
            raise UsageError(f"count cannot be {count!r}", "give an integer of at least 0")
        order = sorted(range(len(self.probabilities)), key=lambda k: -self.probabilities[k])
        return [ClassProbability(self.class_names[k], self.probabilities[k]) for k in order[:count]]

    def shown(self, count: int = SHOWN) -> list[ClassProbability]:
        """Return the classes to show, the most probable first: of several all that are present, else the `count` most probable."""
        ranked = self.top(len(self.probabilities))
        return [one for one in ranked if one.class_name in self.present] if self.several and self.present else self.top(count)

    def to_json(self, count: int = SHOWN) -> dict[str, object]:
        """Return plain JSON values: the image, the classes that it shows, and the most probable ones, of several all that are present."""
        ranked = [one.class_name for one in self.top(len(self.probabilities))]
        needed = max((ranked.index(name) + 1 for name in self.present if self.several), default=0)
        best = [{"class_name": one.class_name, "probability": round(one.probability, 4)} for one in self.top(max(count, needed))]
        return {"image": self.image, "unknown": self.unknown, "present": list(self.present), "top": best}

    def __repr__(self) -> str:
        shown = ", ".join(f"{seen(one.class_name)} {one.probability:.1%}" for one in self.shown())
        return f"Prediction({self.image!r}: {f'{self.without}, best guess ' if self.without else ''}{shown})"

    def _repr_html_(self) -> str:
        rows = [(one.class_name, f"{one.probability:.1%}") for one in self.shown()]
        notes = [f"{self.without}: {rows[0][0]} is the best guess"] if self.without else []
        return Overview(self.image, ("class", "probability"), rows, notes).html()
