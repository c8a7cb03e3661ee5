"""Inbound routing at work: questions of a dialplan are answered, and every answer is kept with its reasons."""
