"""Are the models right, and do they agree: arithmetic on arrays of probabilities, with no file and no TensorFlow in sight."""
