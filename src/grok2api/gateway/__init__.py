"""One loop that turns a request into events: attempts, leases, stages."""
