"""From a validated run to a bundle that an app can trust; `docs/bundle-format.md` describes it."""
