"""What the operator sees of a running gateway: its log lines, with the secrets taken out."""
