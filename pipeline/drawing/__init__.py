"""Drawing: drawn scenes with known pairs, for the demo, parity and rehearsals."""
