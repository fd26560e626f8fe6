"""How each client is connected: a table with a row for each, what is rendered from it, and how three are started."""
