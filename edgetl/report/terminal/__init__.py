"""Print results as tables on a terminal."""
