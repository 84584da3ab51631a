"""What the image is made of, layer by layer: run in the build's stages, but for `plan`, which decides what they make."""
