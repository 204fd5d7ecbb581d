"""Tables of one's own: readers, the types of columns, and the schema that makes numbers of their texts."""
