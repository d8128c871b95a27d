"""Residents, devices and hostile peers at once, for as long as somebody asks for: what grows, and who waits.

`script/endurance` runs it; `test_endurance.py` is its short form.
"""
