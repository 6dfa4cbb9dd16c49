"""The benchmarks behind ``make bench``: each number against a hand-written floor in the same run."""
