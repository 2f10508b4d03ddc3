"""Show results: as tables on a terminal, as plots, and as pages."""
