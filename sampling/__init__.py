"""Schedules, noise and the hand-over between windows: mathematics of sampling, no files."""
