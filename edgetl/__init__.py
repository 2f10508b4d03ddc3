"""edgetl: from a folder of labelled images to a model that a phone, a board or a web page can trust."""
