"""Images to a trained float model and its int8 grids."""
