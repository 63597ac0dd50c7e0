"""A request's place in a trace, as W3C Trace Context says it.

Locust's own instrumentation reaches only its slow client, so the header is made by hand. The generator keeps no spans: what the shop's
services keep is what there is to see, and the log has the ids of what failed.
"""

import random

HEADER = "traceparent"

_SYSTEM = random.SystemRandom()


def traceparent(ratio: float, source: random.Random = _SYSTEM) -> str:
    """The begin of a new trace, which so many of all requests ask to be kept."""
    trace, span = source.getrandbits(128) or 1, source.getrandbits(64) or 1
    sampled = 1 if source.random() < ratio else 0
    return f"00-{trace:032x}-{span:016x}-{sampled:02x}"


def trace_id(header: str) -> str:
    """The id that a trace is found by."""
    return header.split("-")[1]
