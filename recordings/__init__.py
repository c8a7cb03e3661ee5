"""Recordings: from the PBX's folder to a verified archive on our disk.

`spool` finds what the PBX wrote and `watch` hints when to look, `wav` tells the true state of each file,
`archive` makes FLAC, MP3 (`codecs`) and `peaks` in constant memory, `storage` keeps them; `rights` proves
to doctor that all this is allowed. Adapters only: which recording belongs to which call, and its state, is
the business of the gateway.
"""
