"""Sends webhooks over HTTP: signed by Standard Webhooks, to public addresses only, and never longer than 15 s.

An adapter of the rim: it knows `gateway.domain` and nothing else of ours.
"""
