"""What runs on a PBX's own host and sends its journal and recordings to the gateway: `trunkline ship`.

It imports nothing but the standard library, the ground floor and what the command hands in, so that a PBX's host needs
neither a database nor the gateway's libraries, and some 30 MB of memory.
"""
