"""One file a command, each: parse, call one library function, print."""
