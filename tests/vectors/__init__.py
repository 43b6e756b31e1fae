"""Vectors: what any implementation of the protocol must make of the same bytes.

`make.py` writes the JSON stories beside it from fixed seeds; `examples.py` the worked examples of the spec. Both are
deterministic, and tests hold that what is written is what they would write today.
"""
