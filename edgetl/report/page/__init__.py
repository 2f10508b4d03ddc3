"""Write results as a page: HTML, Markdown or PDF."""
