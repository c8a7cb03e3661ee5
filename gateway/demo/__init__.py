"""The demonstration: one call with real speech through the running gateway, each step shown as it happens."""
