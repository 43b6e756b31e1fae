"""A home on its way into a community: asking, being admitted, opening its account."""
