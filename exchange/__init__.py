"""The embedded engine: a telephone exchange without a PBX, run as a process of its own beside the gateway.

`python -m exchange` holds the SIP front (registrar, stateless proxy, registrations at providers), a pool of worker
processes on pjsua2 that carry the sound, the brain of the calls and the journal that the gateway folds. It survives a
killed gateway. Like every package of the rim it knows the ground floor alone.
"""
