"""The speed harness: what the hot path costs, and how the gateway stands to its peers. See README.md."""
