"""Nodes of a community that are nobody's wallet, as a wallet cares for them; and the cards that make nodes known."""
