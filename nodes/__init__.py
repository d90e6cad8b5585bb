"""ComfyUI, and nothing but ComfyUI: each node is a schema, a few lines of unpacking, one call, one wrap."""
