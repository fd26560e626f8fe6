"""The upstreams as one local app, with scenarios and faults as data."""
