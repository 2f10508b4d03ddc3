"""Results to something that a person looks at."""
