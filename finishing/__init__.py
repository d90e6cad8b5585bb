"""What can be done to any finished frames: faces restored, frames put between, flicker and colours settled."""
