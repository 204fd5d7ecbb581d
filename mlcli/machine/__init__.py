"""Device, threads, memory, allocator, compiler."""
