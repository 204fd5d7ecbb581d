"""Run folders: layout, find, query, compare, trust."""
