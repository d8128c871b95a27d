"""What buses do on the network, beside where the kernel's tracker (`kernel/vehicles/tracking`) has them.

`network.py` is what they drive on, `buses.py` the fleet that is matched on it, `claims.py` says which vehicle has a
trip that several are believed on, `keeping.py` what is kept, `shown.py` what the public sees.
"""
