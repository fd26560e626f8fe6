"""Function calling for upstreams that lack it: the prompt that asks for calls, the sieve that finds them."""
