"""edgetl: from a folder of labelled pictures to a model that a phone, a board or a web page can trust."""
