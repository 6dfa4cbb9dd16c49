"""One module per kind of rule: a frozen value that judges one case, and nothing else."""
