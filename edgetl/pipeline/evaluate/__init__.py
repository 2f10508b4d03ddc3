"""Evaluate and compare the models of runs."""
