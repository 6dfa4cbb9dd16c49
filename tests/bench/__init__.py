"""The benchmarks behind ``make bench``: each number beside a hand-written floor."""
