"""LivePortrait: a portrait that follows another face. The networks so far; the engine is to come."""
