"""One command, one file: `add` describes its arguments, `go` does it and returns the exit status."""
