"""What the build of the image calls."""
