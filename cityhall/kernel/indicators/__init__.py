"""Numbers that services measure."""
