"""OpenAI's pictures and films: what clients order, and what they are told of it."""
