"""What leaves the system on paper or as a file: the case file, the diagram, the official papers."""
