"""Secret ballots: a roll of who may vote and who did, and a sealed box nobody can look into.

What a voter chose and who the voter was never stand in one row, in one order or at one time; see
docs/decisions on secret ballots. The room knows nothing of matters: the runtime opens a box with
its task and closes it when the task is completed.
"""
