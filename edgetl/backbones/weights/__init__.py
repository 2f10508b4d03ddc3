"""Where weights come from: files of other libraries, read without trust, and our own."""
