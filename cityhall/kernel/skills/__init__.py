"""What people may ask a service for in their own words."""
