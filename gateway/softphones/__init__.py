"""Phones in browsers: what their pages may say to a PBX, who is connected, and what becomes of a call meanwhile."""
