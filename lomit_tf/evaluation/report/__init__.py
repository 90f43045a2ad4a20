"""What is written of it: results, tables, pages."""
