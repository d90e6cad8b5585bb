"""Wan2.2-Animate: move and replace."""
