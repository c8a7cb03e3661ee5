"""The lab: a real Asterisk and scripted phones on this machine, for tests, demonstrations and measurements.

Nothing of the product imports this package. It knows the product only by what a site would see: the
files in `deploy/asterisk`, the manager interface, the journal file and the recording folder.
"""
