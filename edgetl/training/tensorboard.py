"""What TensorBoard shows of a training: `tensorboard --logdir RUN/tensorboard`, while it runs and afterwards."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgetl.keras import tf

logger = logging.getLogger(__name__)


# tf.summary.scalar needs the tensorboard package, which nothing else here does; this is what it writes.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
    data_class=1,  # DATA_CLASS_SCALAR
)
_TIMES = "seconds"  # an entry's own duration: no curve to look at


class Log:
    """Scalars of one training, epoch by epoch. None as its folder: nothing is written."""

    def __init__(self, folder: Path | None, going_on: bool = False) -> None:
        """Logs of an earlier training under this name go, unless this one goes on with it."""
        if folder is not None and not going_on:
            for old in folder.glob("events.out.tfevents.*"):
                old.unlink()
        self._writer = tf.summary.create_noop_writer()
        if folder is not None:
            with self._or_without():
                self._writer = tf.summary.create_file_writer(str(folder))

    def __call__(self, epoch: int, entry: Mapping[str, float]) -> None:
        """The figures after an epoch, from 1 on."""
        with self._or_without(), self._writer.as_default():
            for name, value in entry.items():
                if name != _TIMES:
                    tf.summary.write(name, tf.constant(value, tf.float32), step=epoch, metadata=_SCALAR)
            self._writer.flush()

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        """A training does not end because its curves cannot be written; a full disk will end it where that matters."""
        try:
            yield
        except tf.errors.OpError as error:
            logger.warning(f"going on without TensorBoard's logs: {str(error.message).splitlines()[0].rpartition('; ')[2]}")
            self._writer = tf.summary.create_noop_writer()
