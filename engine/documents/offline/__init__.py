"""The verifier that goes into every case file. It imports nothing of the engine."""
