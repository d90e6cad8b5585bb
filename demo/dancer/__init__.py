"""A dancer drawn by this code alone, every joint of whom is known: the demo's driving video and its truth."""
