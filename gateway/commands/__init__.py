"""Commands to a PBX: rows with ids of their own, written before anything is sent, and followed to their end.

`placing` orders calls, `control` orders to calls that go on; both hand what they wrote to `sending`, and `following`
lets a command follow its call. The API, the live socket and scheduled calls all come in here.
"""
