"""How accurate models are and whether they agree: arithmetic on arrays of probabilities, without files or TensorFlow."""
