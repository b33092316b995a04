"""Reading handwritten digits from images of 8 by 8 pixels."""
