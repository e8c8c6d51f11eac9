"""Drawing: drawn scenes whose pairs are known, for the demo, parity and rehearsals."""
