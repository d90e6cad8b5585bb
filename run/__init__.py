"""The run: plan, chunks, journal, finished file; the check of a driving video before it."""
