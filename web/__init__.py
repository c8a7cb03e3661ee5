"""The page of the gateway: its sources, and how it is built."""
