"""The verbs in order: train -> export -> validate, a file each; each stage is recorded with its inputs and not done twice.

With `project.py` and `cli/`, the only place that knows the recipe.
"""
