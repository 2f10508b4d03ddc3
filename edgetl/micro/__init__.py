"""A TFLite file on a microcontroller: what TensorFlow Lite Micro can run of it, and how much memory that takes."""
