"""The wires that clients speak to us: one package each, pure, behind one protocol (`base`)."""
