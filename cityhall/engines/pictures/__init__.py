"""What a picture shows: an embedding and a guess, by a small network that runs here. See README.md beside this file.

`network` makes the network's file, and needs onnx for it; running it needs OpenCV only.
"""

from cityhall.engines.pictures.model import CLASSES, EMBEDDING, Network, Seen, names

__all__ = ["CLASSES", "EMBEDDING", "Network", "Seen", "names"]
