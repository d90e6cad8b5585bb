"""The `motion-transfer` command."""
