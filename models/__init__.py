"""One folder per engine; `registry` lists them without loading any."""
