"""What one service may ask of another: there is no other way from one to the other.

A port is a `Protocol` in a file here, which imports no models: manifests name it before Django is ready. `declares.py`
is how a service says that it provides one, `asking.py` how any other, or a room, asks.
"""
