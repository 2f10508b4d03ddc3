"""From a validated run to a bundle that an app can trust; `deploy/bundle-format.md` describes it."""
