"""Trunkline: the gateway between telephones, letters, messages and the CRM."""

__version__ = "0.1.0"
