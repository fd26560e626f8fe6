"""The services that we speak to, one package each, behind one small protocol."""
