"""Sockets: the HTTP and WebSocket clients, proxies, and background tasks."""
