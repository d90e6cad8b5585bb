"""LivePortrait: a portrait, or a film of one, that follows another face."""
