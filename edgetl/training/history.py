"""The course of a training, epoch by epoch, and its best epoch."""

from dataclasses import dataclass

from edgetl.run_record import Epoch, Training


@dataclass(frozen=True)
class History:
    """The epochs of a training in order; `best_epoch` is the number of the best one, starting at 1; 0 for none."""

    epochs: tuple[Epoch, ...] = ()
    best_epoch: int = 0

    @property
    def best(self) -> Epoch | None:
        return self.epochs[self.best_epoch - 1] if self.best_epoch else None

    def then(self, epoch: Epoch, *, kept: bool | None = None) -> "History":
        """Return the history with one epoch more; of equally good epochs the first stays the best, since it trained less.

        Args:
            kept: whether the epoch is the best one so far; None: its figures say so.
        """
        better = kept if kept is not None else self.best is None or score(epoch) > score(self.best)
        return History((*self.epochs, epoch), len(self.epochs) + 1 if better else self.best_epoch)

    def recorded(self) -> Training | None:
        """Return the history as the run records it; None for a training without epochs."""
        return Training(self.epochs, self.best_epoch) if self.epochs else None


def score(epoch: Epoch) -> tuple[float, float]:
    """Return what is highest in the best epoch: the accuracy, then the negated loss, both on the images that choose."""
    return epoch.val_accuracy, -epoch.val_loss
