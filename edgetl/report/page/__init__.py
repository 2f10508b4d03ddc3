"""Results as one page: HTML, Markdown or PDF."""
