"""What a picture may be; known to who makes it anew and to who refuses it."""

MOST_PIXELS = 50_000_000
"""An image of 100 KB can decode to gigabytes; this one takes 200 MB, twice that where it must be turned."""
