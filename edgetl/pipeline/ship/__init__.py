"""A validated run to a bundle, and a bundle to an app."""
