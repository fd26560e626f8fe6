"""What is wrong with an installation, and how to mend it: checks that look and never change anything."""
