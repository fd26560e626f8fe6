"""Reading accounts where others keep them: files, databases, Redis. What they mean is told by `accounts.importing`."""
