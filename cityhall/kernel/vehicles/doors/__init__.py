"""Receivers' doors: positions in by NMEA 0183 and UBX, corrections out by NTRIP. See README.md here."""
