"""The history of the data base's schema."""
