"""Charts as inline SVG from plain data: a module each, and the frame they share in `drawing`."""
