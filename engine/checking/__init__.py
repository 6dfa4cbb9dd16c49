"""Judge a matter that is given as a file: read, measured and replayed without a database."""
