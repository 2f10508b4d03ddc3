"""Results as plots."""
