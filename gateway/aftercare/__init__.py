"""What follows a call: missed calls, tasks, goals, the bridge: written beside the calls and never in their way.

Two kinds of work meet here. A follower (`follow`) takes each fact of the feed once, when it happens; a duty (`duties`)
does what is due at a time. `parts` lists them all. Each keeps its rules in `gateway.domain` and its tables in
`gateway.store`, so what stands here is only the order of steps.
"""
