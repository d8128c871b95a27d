"""Uploads: checked by what they are, made anew without what a camera adds, served by links that expire."""
