"""Makes a page ready to be read: the steps of `preparation.Step`. Runs in the page pool's child, with NumPy and OpenCV."""
