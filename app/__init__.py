"""The server: runs, storage, protocol and pages around the engine."""
