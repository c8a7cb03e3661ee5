"""The commands of `trunkline`, a module each with `add_arguments(parser)` and `run(args) -> int`.

`gateway.__main__` holds the table of them. `run` returns the exit code (0 done, 1 a fault) and raises a
`GatewayError` for what a person must be told.
"""
