"""Run folders: layout, records, find, query, compare, provenance."""
