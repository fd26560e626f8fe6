"""Real clients, unmodified, against the gateway and the simulator: `make clients`. README.md says how it works."""
