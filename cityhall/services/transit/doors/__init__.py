"""Receivers' doors: positions in by NMEA 0183, UBX and GTFS-Realtime, corrections out by NTRIP. See README.md here."""
