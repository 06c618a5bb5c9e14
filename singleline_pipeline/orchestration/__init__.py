"""How assets are stored, partitioned, started and kept up to date: all about Dagster that is no asset."""
