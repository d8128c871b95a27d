"""Accounts, roles, households and consent. `actors` says who acts, `permissions` what they may do."""
