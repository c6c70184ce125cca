"""Disease courses: one file each, each deciding when it starts and what it leaves in the record."""
