"""The store of records: what each engine must do, a second engine in memory, and what is the file's own."""
