"""A host: a node that serves a community with no member's key, from its card to its process."""
