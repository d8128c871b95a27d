"""The city of the tests."""

CITY_TOML = """\
name = "Testville"
slug = "testville"
timezone = "America/Sao_Paulo"
languages = ["en", "es", "pt", "ko"]
currency = "BRL"
services = ["transit", "reports", "map"]

[map]
center = [-51.2, -30.03]
bounds = [-51.3, -30.1, -51.1, -29.95]
"""
