"""Function calling and structured output for upstreams that lack them. Pure code.

`prompt` puts tools into words, `sieve` finds the calls in the words that come back, `structured` does
the same for JSON answers. Nothing here knows an account, a clock or a setting.
"""
