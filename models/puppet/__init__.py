"""Cut-out animation on the CPU: the embedded engine, which needs no weights."""
