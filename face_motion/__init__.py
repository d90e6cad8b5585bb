"""What a face does, as numbers: encoders, and what is done with their codes."""
