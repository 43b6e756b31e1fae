"""The stories, one module each: a function `story()` that writes it from fixed seeds."""
