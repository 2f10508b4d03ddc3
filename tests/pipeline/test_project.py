"""What a project keeps in memory, and when it drops it."""

from edgetl.pipeline.project import Project


def test_models_are_loaded_once_and_again_after_a_training(made) -> None:
    models = Project.open(made.run).models
    first, predictions = models.float_model, models.float_predictions
    assert models.float_model is first
    assert models.float_predictions is predictions
    models.forget()
    assert models.float_model is not first
    assert (models.float_predictions == predictions).all()


def test_the_images_are_read_once(made) -> None:
    data = Project.open(made.run).data
    assert data.images is data.images
    assert len(data.rows("train")) == (data.images.splits == "train").sum()
    assert len(data.rows("train", 3)) == 3
