"""What is done with findings: explained, concluded, waived; lists, samples and exports of them."""
