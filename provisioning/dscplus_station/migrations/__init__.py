"""Migrations of the database, in order; run by `schema.bring_up_to_date`."""
