"""What `trunkline doctor` looks at, one module a place; each check says in plain words what it found."""
