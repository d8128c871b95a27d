"""The front page on a slow phone: what is sent for it, and when it can be read and used (`script/slow-phone`)."""
