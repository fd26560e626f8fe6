"""The one vocabulary between dialects and upstreams: requests, facts, events, problems.

Pure values and pure functions; imports nothing else of this project.
"""
