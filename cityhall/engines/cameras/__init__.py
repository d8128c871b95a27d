"""What cameras of any maker say: their streams by ONVIF, their playlists by HLS. No network is asked here."""
