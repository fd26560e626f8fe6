"""Settings: one typed table that is also the documentation, the environment names and the validation."""
