"""The rows of the table, one module a group; each has run(bench), which returns figures."""
