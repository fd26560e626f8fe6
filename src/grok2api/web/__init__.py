"""The HTTP face: routes, authentication, streams."""
