"""Curves for TensorBoard: `tensorboard --logdir RUN/tensorboard`, during a training and afterwards."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from edgetl.keras import tf

from edgetl.run_record import Epoch

logger = logging.getLogger(__name__)

# tf.summary.scalar needs the tensorboard package, which nothing else here does; this is what it writes.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
    data_class=1,  # DATA_CLASS_SCALAR
)
_DURATION = "seconds"  # of the epoch: no curve to look at


class TensorBoard:
    """Writes the curves of one training, a point for each epoch; without a folder it writes nothing."""

    def __init__(self, folder: Path | None, *, resumed: bool = False) -> None:
        """Remove the curves of an earlier training of this name, unless this one goes on with it."""
        if folder is not None and not resumed:
            for old in folder.glob("events.out.tfevents.*"):
                old.unlink()
        self._writer = tf.summary.create_noop_writer()
        if folder is not None:
            with self._or_without():
                self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, number: int, epoch: Epoch) -> None:
        """Write an epoch's figures; epochs count from 1."""
        with self._or_without(), self._writer.as_default():
            for name, value in asdict(epoch).items():
                if name != _DURATION:
                    tf.summary.write(name, tf.constant(value, tf.float32), step=number, metadata=_SCALAR)
            self._writer.flush()

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        """Go on without curves when they cannot be written; a full disk ends the training where that matters."""
        try:
            yield
        except tf.errors.OpError as error:
            logger.warning(f"going on without TensorBoard's logs: {str(error.message).splitlines()[0].rpartition('; ')[2]}")
            self._writer = tf.summary.create_noop_writer()
