"""Accounts: what they are, what happens to them, which one is chosen, and who holds it now."""
