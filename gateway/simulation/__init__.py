"""A synthetic day: planned by a seed, carried out on the embedded engine, and counted against what the phones saw."""
